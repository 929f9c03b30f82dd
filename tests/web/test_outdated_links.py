"""A link signed with a leaked key can opt out; it shows nothing, gives no consent, leads nowhere.

With the leaked key such a link can be made for anyone, so the tests are those of a subscriber with
an old email, and of a stranger acting in their name.
"""

from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from nurture.store.tables.consents import consents
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.store.tables.suppressions import suppressions
from nurture.tokens import Tokens
from tests.installation import MAIL_SECRET, Installation, as_json, link_in
from tests.installations import ScriptedSink
from tests.servers.smtp import Mail
from tests.vocabulary import SERIES

ANN = "ann@example.org"
OLD = "a-secret-that-signs-in-tests-only"
LEAKED = {
    "NURTURE_SECRET_KEY": "a-key-that-was-made-afterwards",
    "NURTURE_ADDRESS_KEY": OLD,
    "NURTURE_LEAKED_KEYS": OLD,
}
FORGED = Tokens([OLD])
BOTH = {"tracking": "1", "health_topics": "1"}


@pytest.fixture
def home(sqlite_home: Installation, smtp_sink: ScriptedSink) -> Installation:
    """Ann has her guide and an article and has consented to everything; then the key leaks."""
    sqlite_home.subscribe(ANN, first_name="Ann")
    sqlite_home.deliver()
    sqlite_home.collect(tracking=True, health_topics=True)
    sqlite_home.live(days=3)
    assert len(smtp_sink.mails) == 2
    return sqlite_home


@pytest.fixture
def article(home: Installation, smtp_sink: ScriptedSink) -> Mail:
    """The article, sent before the leak."""
    return smtp_sink.mails[-1]


@pytest.fixture
def browser(home: Installation) -> FlaskClient:
    """A browser on the web side after the leak."""
    from webhooks import create_app

    return create_app(home.another(**LEAKED)).test_client()


def wish_of(home: Installation) -> tuple[str, bool, set[str], list[str]]:
    person = home.person(ANN)
    reasons = [row["reason"] for row in home.rows(suppressions)]
    return person["frequency"], bool(person["paused_until"]), set(person["purposes"]), reasons


def says_nothing_of_ann(answer: TestResponse) -> bool:
    said = answer.get_data(as_text=True)
    return not any(word in said for word in ("•••", "example.org</strong>", "Ann", "agreed to"))


def shows_no_trusted_link(answer: TestResponse) -> bool:
    """Check that no page turns an old link into a new one."""
    return "/preferences/" not in answer.get_data(as_text=True)


def test_one_click_unsubscribe_still_works_with_an_outdated_link(
    home: Installation, article: Mail, browser: FlaskClient
) -> None:
    path = urlsplit(link_in(article, "unsubscribe")).path
    shown = browser.get(path)
    assert shown.status_code == 200 and says_nothing_of_ann(shown) and shows_no_trusted_link(shown)
    answer = browser.post(path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert says_nothing_of_ann(answer) and shows_no_trusted_link(answer)
    assert "undo" not in answer.get_data(as_text=True)
    assert wish_of(home)[3] == ["unsubscribed"]
    again = browser.post(path, data={"List-Unsubscribe": "One-Click"})
    assert again.status_code == 200


def test_an_outdated_link_cannot_undo_an_unsubscribe(
    home: Installation, browser: FlaskClient
) -> None:
    path = f"/unsubscribe/{FORGED.unsubscribe(1, 1)}"
    browser.post(path)
    before = home.everything()
    assert browser.post(path, data={"undo": "1"}).status_code == 410
    assert browser.post(path, data={"keep": "series:pain-guide"}).status_code == 410
    for form in (
        {"frequency": "usual", **BOTH},
        {"frequency": "fewer", **BOTH},
        {"frequency": "paused", **BOTH},
    ):
        assert browser.post(f"/preferences/{FORGED.preferences(1)}", data=form).status_code == 200
    assert home.everything() == before


@pytest.mark.parametrize("frequency", ["fewer", "paused", "stopped"])
def test_an_outdated_link_can_reduce_the_frequency(
    home: Installation, browser: FlaskClient, frequency: str
) -> None:
    path = f"/preferences/{FORGED.preferences(1)}"
    shown = browser.get(path)
    assert shown.status_code == 200 and says_nothing_of_ann(shown)
    answer = browser.post(path, data={"frequency": frequency, **BOTH})
    assert answer.status_code == 200 and says_nothing_of_ann(answer)
    kept, paused, purposes, reasons = wish_of(home)
    assert {
        "fewer": (kept, paused, reasons) == ("fewer", False, []),
        "paused": paused and not reasons,
        "stopped": reasons == ["unsubscribed"],
    }[frequency]
    assert {"tracking", "health_topics"} <= purposes


def test_an_outdated_link_can_only_withdraw_tracking_consent(
    home: Installation, browser: FlaskClient
) -> None:
    answer = browser.post(f"/preferences/{FORGED.preferences(1)}", data={"frequency": "usual"})
    assert answer.status_code == 200
    assert wish_of(home) == ("usual", False, {"guide", *SERIES}, [])
    assert home.rows(consents)[-1]["granted"] is False


def test_a_previously_opened_page_keeps_the_consent_it_does_not_withdraw(
    home: Installation, browser: FlaskClient
) -> None:
    form = {"frequency": "fewer", "tracking": "1"}
    browser.post(f"/preferences/{FORGED.preferences(1)}", data=form)
    assert wish_of(home) == ("fewer", False, {"guide", *SERIES, "tracking"}, [])


def test_an_outdated_link_can_neither_give_consent_nor_end_a_pause(
    home: Installation, browser: FlaskClient
) -> None:
    path = f"/preferences/{FORGED.preferences(1)}"
    browser.post(path, data={"frequency": "paused"})
    before = home.everything()
    for frequency in ("usual", "fewer", "paused"):
        browser.post(path, data={"frequency": frequency, **BOTH})
    assert home.everything() == before


@pytest.mark.parametrize("asked", ["data", "erasure"])
def test_an_outdated_link_cannot_request_data_or_erasure(
    home: Installation, browser: FlaskClient, asked: str
) -> None:
    before = home.everything()
    path = f"/preferences/{FORGED.preferences(1)}"
    answer = browser.post(path, data={"ask": asked})
    assert answer.status_code == 410 and says_nothing_of_ann(answer)
    assert "latest email" in answer.get_data(as_text=True)
    assert home.everything() == before


def test_an_outdated_link_says_nothing_of_why_an_email_came(
    home: Installation, browser: FlaskClient
) -> None:
    answer = browser.get(f"/why/{FORGED.why(1)}")
    assert answer.status_code == 410 and says_nothing_of_ann(answer)


@pytest.mark.parametrize("path", [f"/guide/{FORGED.guide(1)}", f"/confirm/{FORGED.confirm(1)}"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_outdated_guide_or_confirmation_link_must_be_requested_again(
    home: Installation, browser: FlaskClient, path: str, method: str
) -> None:
    before = home.everything()
    answer = browser.open(path, method=method, data={"asked": "1", "tracking": "1"})
    assert answer.status_code == 410 and answer.mimetype == "text/html"
    assert "out of date" in answer.get_data(as_text=True)
    assert home.everything() == before


def test_an_outdated_click_leads_nowhere_and_hides_its_destination(
    home: Installation, article: Mail, browser: FlaskClient
) -> None:
    for path in (
        urlsplit(link_in(article, "c")).path,
        f"/c/{FORGED.click(1, 'https://evil.example/phish')}",
    ):
        for method in ("GET", "HEAD"):
            answer = browser.open(path, method=method)
            assert answer.status_code == 410 and answer.mimetype == "text/html"
            assert "Location" not in answer.headers and "Refresh" not in answer.headers
            assert b"http" not in answer.data
            assert "script-src" not in answer.headers["Content-Security-Policy"]
        assert browser.post(path).status_code == 405


def test_an_outdated_click_gets_the_same_answer_without_the_database(
    home: Installation, tmp_path: object
) -> None:
    from webhooks import create_app

    away = home.another(**LEAKED, NURTURE_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    path = f"/c/{FORGED.click(1, 'https://example.org/')}"
    assert create_app(away).test_client().get(path).status_code == 410


def test_an_outdated_link_records_neither_opens_nor_clicks(
    home: Installation, article: Mail, browser: FlaskClient
) -> None:
    had = len(home.rows(events))
    picture = browser.get(urlsplit(link_in(article, "o")).path)
    assert (picture.status_code, picture.mimetype) == (200, "image/gif")
    browser.get(urlsplit(link_in(article, "c")).path)
    assert home.fold() == 0
    assert len(home.rows(events)) == had


def test_a_providers_events_about_an_older_email_still_count(
    home: Installation, article: Mail, browser: FlaskClient
) -> None:
    """A provider proves its identity with its own secret; a bounce must not be lost."""
    from nurture.signatures import sign_standard_webhook

    told = {
        "id": "1",
        "type": "complained",
        "message_id": article.message["Message-ID"],
        "recipient": ANN,
        "occurred_at": home.clock.now.isoformat(),
    }
    body = as_json({"events": [told]})
    headers = sign_standard_webhook(MAIL_SECRET, "msg_1", home.clock.now, body)
    answer = browser.post(
        "/webhooks/mail/generic", data=body, headers=headers, content_type="application/json"
    )
    assert answer.status_code < 300
    assert home.rows(messages)[-1]["status"] == "complained"
    assert wish_of(home)[3] == ["complained"]


def test_the_links_of_a_new_email_work_again(
    home: Installation, smtp_sink: ScriptedSink, browser: FlaskClient
) -> None:
    since = Installation(
        home.url, home.directory, home.clock, home.smtp_url, dict(home.settings) | LEAKED
    )
    since.live(days=8)
    mail = smtp_sink.mails[-1]
    assert len(smtp_sink.mails) > 2
    assert browser.get(urlsplit(link_in(mail, "c")).path).status_code == 302
    own = urlsplit(link_in(mail, "preferences")).path
    assert "•••" in browser.get(own).get_data(as_text=True)
    assert browser.post(own, data={"ask": "data"}).status_code == 200
    since.close()
