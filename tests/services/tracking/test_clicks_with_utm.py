"""A click on a link that names its email leads to the whole address and counts as the link's."""

import re
from html import unescape
from urllib.parse import urlsplit

from nurture.domain.subscribers.consent import Purpose
from nurture.services.owner import practice
from nurture.store.tables.events import events
from tests.installation import Installation, link_in, text_of
from tests.installations import ScriptedSink

ANN = "ann@example.org"
SAID = {
    "utm_source": "email",
    "utm_medium": "email",
    "utm_campaign": "pain-guide",
    "utm_content": "why-stretching-and-massage-wont-solve-back-pain",
}
ADDED = "&".join(f"{name}={value}" for name, value in SAID.items())


def followed_by_statistics(home: Installation, tracking: bool) -> None:
    """Turn the parameters on, and send Ann her guide and the first article."""
    database = home.context.database
    facts = practice.read_facts(database) | {"link_utm": "yes"}
    assert practice.save_facts(database, facts, home.clock.now)
    home.subscribe(ANN, ticked=(Purpose.TRACKING,) if tracking else ())
    home.deliver()
    home.collect(tracking=tracking)
    home.live(days=3)


def test_a_counted_click_leads_on_with_the_parameters_and_is_stored_without(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    followed_by_statistics(home, tracking=True)
    answer = home.client.get(link_in(smtp_sink.mails[-1], "c"))
    assert urlsplit(answer.headers["Location"]).query == ADDED
    home.fold()
    [hit] = [row for row in home.rows(events) if row["kind"] == "clicked"]
    assert hit["link"] == answer.headers["Location"].partition("?")[0]
    assert hit["topics"] == {"back-pain", "strength"}


def test_a_plain_link_carries_the_parameters_too(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    followed_by_statistics(sqlite_home, tracking=False)
    text = unescape(text_of(smtp_sink.mails[-1]))
    assert re.search(rf"https://human-movement\.com/\S*\?{re.escape(ADDED)}", text)
    assert "/c/" not in text
