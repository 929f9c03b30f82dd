"""A tick for tracking or health counts only once the person confirms it behind the emailed link."""

from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from nurture.cli import main
from nurture.domain.subscribers.consent import OWN_WORDINGS, Evidence, Purpose
from nurture.services.subscribers import erasure
from nurture.store.tables.awaited_consents import awaited_consents
from nurture.store.tables.consents import consents
from tests.installation import Installation, link_in
from tests.installations import ScriptedSink

ANN = "ann@example.org"
BOTH = (Purpose.TRACKING, Purpose.HEALTH_TOPICS)
WORDS = "Yes, notice what I read."
SEEN = Evidence("https://practice.example.org/resources", "2001:db8::1", "A browser")


def tick(home: Installation, *purposes: Purpose) -> None:
    """Tick boxes on the website's form, in words of its own."""
    wordings = {Purpose.TRACKING: WORDS}
    home.subscribe(ANN, ticked=purposes, wordings=wordings, evidence=SEEN)


def guide_link(home: Installation, smtp_sink: ScriptedSink) -> str:
    """Deliver the guide's email, and return the link to its page."""
    home.deliver()
    return urlsplit(link_in(smtp_sink.mails_to(ANN)[-1], "guide")).path


def agreed(home: Installation) -> set[str]:
    """Return which of our own boxes the person agrees to."""
    return {*home.person(ANN)["purposes"]} & set(BOTH)


def test_a_tick_is_granted_with_its_own_proof_when_the_guide_is_collected(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    tick(home, *BOTH)
    said_at = home.clock.now
    assert agreed(home) == set()
    page = guide_link(home, smtp_sink)
    assert "/o/" not in str(smtp_sink.mails[-1].message)
    home.clock.advance(timedelta(hours=5))
    shown = home.client.get(page).text
    assert "You ticked this on our website" in shown
    assert WORDS in shown
    assert home.awaited(ANN) == {*BOTH}
    form = {"boxes": "tracking health_topics articles news", "tracking": "1", "health_topics": "1"}
    assert home.client.post(page, data=form).status_code == 200
    assert agreed(home) == {*BOTH}
    assert home.awaited(ANN) == set()
    [proof] = [row for row in home.rows(consents) if row["purpose"] == Purpose.TRACKING]
    assert (proof["source"], proof["wording"]) == ("form:pain-guide", WORDS)
    assert (proof["said_at"], proof["recorded_at"]) == (said_at, home.clock.now)
    assert (proof["page_url"], proof["client"], proof["user_agent"]) == (
        SEEN.page_url,
        SEEN.client,
        SEEN.user_agent,
    )


def test_a_box_that_came_without_its_words_is_confirmed_in_ours_and_never_in_the_forms(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.subscribe(ANN, ticked=BOTH, evidence=SEEN)
    page = guide_link(home, smtp_sink)
    shown = unescape(home.client.get(page).text)
    assert all(OWN_WORDINGS[purpose] in shown for purpose in BOTH)
    home.client.post(page, data={"boxes": " ".join(BOTH), **dict.fromkeys(BOTH, "1")})
    proved = {row["purpose"]: row["wording"] for row in home.rows(consents)}
    assert {purpose: proved[purpose] for purpose in BOTH} == {
        purpose: OWN_WORDINGS[purpose] for purpose in BOTH
    }


def test_a_tick_taken_away_on_the_guides_page_is_dropped(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    home = sqlite_home
    tick(home, *BOTH)
    page = guide_link(home, smtp_sink)
    home.client.post(page, data={"boxes": "tracking health_topics", "health_topics": "1"})
    assert agreed(home) == {Purpose.HEALTH_TOPICS}
    assert home.awaited(ANN) == set()
    assert not [row for row in home.rows(consents) if row["purpose"] == Purpose.TRACKING]


def test_a_tick_that_the_page_did_not_show_yet_stays_awaited(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    home = sqlite_home
    tick(home, Purpose.TRACKING)
    page = guide_link(home, smtp_sink)
    tick(home, Purpose.HEALTH_TOPICS)
    home.client.post(page, data={"boxes": "tracking", "tracking": "1"})
    assert agreed(home) == {Purpose.TRACKING}
    assert home.awaited(ANN) == {Purpose.HEALTH_TOPICS}


def test_a_page_of_an_earlier_version_confirms_what_was_ticked(sqlite_home: Installation) -> None:
    tick(sqlite_home, *BOTH)
    sqlite_home.collect()
    assert agreed(sqlite_home) == {*BOTH}


def test_a_tick_for_the_address_of_someone_who_confirmed_it_long_ago_waits_as_well(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    home.subscribe(ANN)
    home.collect()
    tick(home, Purpose.TRACKING)
    assert (agreed(home), home.awaited(ANN)) == (set(), {Purpose.TRACKING})


def test_a_tick_for_what_they_agree_to_already_changes_nothing(sqlite_home: Installation) -> None:
    home = sqlite_home
    home.subscribe(ANN)
    home.collect(tracking=True)
    tick(home, Purpose.TRACKING)
    assert (agreed(home), home.awaited(ANN)) == ({Purpose.TRACKING}, set())


def test_of_two_ticks_for_one_purpose_the_newest_counts(home: Installation) -> None:
    tick(home, Purpose.TRACKING)
    home.clock.advance(timedelta(hours=1))
    home.subscribe(ANN, ticked=(Purpose.TRACKING,), wordings={Purpose.TRACKING: "Newer words."})
    [row] = home.rows(awaited_consents)
    assert (row["wording"], row["said_at"]) == ("Newer words.", home.clock.now)


def test_ticks_are_forgotten_with_someone_who_never_confirms_and_at_an_erasure(
    home: Installation,
) -> None:
    tick(home, *BOTH)
    home.clock.advance(timedelta(days=31))
    home.upkeep()
    assert home.rows(awaited_consents) == []
    tick(home, *BOTH)
    context = home.context
    erasure.forget(context.database, context.files, home.person(ANN)["id"], home.clock.now)
    assert home.rows(awaited_consents) == []


def test_a_tick_that_someone_confirmed_earlier_does_not_collect_is_forgotten_after_thirty_days(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    home.subscribe(ANN)
    home.collect()
    tick(home, Purpose.TRACKING)
    home.clock.advance(timedelta(days=31))
    home.upkeep()
    assert home.rows(awaited_consents) == []
    assert home.person(ANN)["address"] == ANN


@pytest.mark.parametrize("tracking", ["", "1"])
def test_an_answer_on_the_preference_page_is_newer_than_a_tick_in_a_form(
    sqlite_home: Installation, tracking: str
) -> None:
    home = sqlite_home
    home.subscribe(ANN)
    home.collect()
    tick(home, Purpose.TRACKING)
    token = home.context.tokens.preferences(home.person(ANN)["id"])
    form = {"frequency": "usual", "boxes": "1"} | ({"tracking": tracking} if tracking else {})
    assert home.client.post(f"/preferences/{token}", data=form).status_code == 200
    assert home.awaited(ANN) == set()
    assert agreed(home) == ({Purpose.TRACKING} if tracking else set())


def test_the_proof_of_consent_says_that_a_tick_is_not_confirmed(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick(sqlite_home, Purpose.TRACKING)
    said = CliRunner().invoke(main, ["consent", ANN], env=sqlite_home.environment)
    assert "tracking: ticked on the form “pain-guide”, not confirmed yet" in said.output
