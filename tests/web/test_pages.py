"""A subscriber's pages, reached through an email's links: viewing changes nothing."""

from html import unescape
from io import BytesIO
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.store.tables.consents import consents
from nurture.store.tables.events import events
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation, link_in
from tests.installations import ScriptedSink
from tests.servers.smtp import Mail
from tests.vocabulary import SERIES

ANN = "ann@example.org"
PAGES = ("guide", "preferences", "unsubscribe")
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def home(sqlite_home: Installation) -> Installation:
    """An installation on one kind of database: the services are tested on both."""
    return sqlite_home


@pytest.fixture
def mail(home: Installation, smtp_sink: ScriptedSink) -> Mail:
    """The first email that Ann received."""
    home.subscribe(ANN, first_name="Ann")
    home.deliver()
    [mail] = smtp_sink.mails
    return mail


def path(mail: Mail, page: str) -> str:
    """Return the path of the email's link to one of our own pages."""
    return urlsplit(link_in(mail, page)).path


def guarded(answer: TestResponse) -> bool:
    """Return whether an answer protects its token from other sites, search engines and frames."""
    policy = answer.headers["Content-Security-Policy"]
    return (
        "default-src 'none'" in policy
        and "frame-ancestors 'none'" in policy
        and "script-src" not in policy
        and answer.headers["Referrer-Policy"] == "no-referrer"
        and answer.headers["X-Robots-Tag"] == "noindex"
        and answer.headers["X-Content-Type-Options"] == "nosniff"
        and "no-store" in answer.headers["Cache-Control"]
        and "Set-Cookie" not in answer.headers
    )


def test_a_scanner_that_follows_every_link_changes_nothing(home: Installation, mail: Mail) -> None:
    before = home.everything()
    for page in PAGES:
        for method in ("GET", "HEAD", "OPTIONS"):
            for agent in ("", "Mozilla/5.0", "python-requests/2", "SafeLinks"):
                answer = home.client.open(
                    path(mail, page), method=method, headers={"User-Agent": agent}
                )
                assert answer.status_code == 200
    assert home.everything() == before


def test_the_one_click_header_leads_to_the_same_page_as_the_link(mail: Mail) -> None:
    header = mail.message["List-Unsubscribe"]
    part = mail.message.get_body(("html",))
    assert part is not None
    assert header.strip("<>") in unescape(part.get_content())
    assert header.startswith(f"<{link_in(mail, 'unsubscribe')}?a=")
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_button_delivers_the_guide_and_starts_the_sequence(
    home: Installation, mail: Mail
) -> None:
    answer = home.press(link_in(mail, "guide"), asked="1", tracking="1")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.data.startswith(b"%PDF-")
    assert "pain-guide.pdf" in answer.headers["Content-Disposition"]
    person = home.person(ANN)
    assert person["confirmed_at"] == home.clock.now
    assert person["purposes"] == {"guide", *SERIES, "tracking"}
    assert home.enrolment(ANN)["collected_at"] == home.clock.now
    assert [event["kind"] for event in home.rows(events)] == ["downloaded"]


def test_an_invalid_box_on_the_guide_page_changes_nothing(home: Installation, mail: Mail) -> None:
    before = home.everything()
    assert home.press(link_in(mail, "guide"), tracking="perhaps").status_code == 422
    assert home.everything() == before


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_mailboxs_one_click_unsubscribes_without_a_redirect(
    home: Installation, mail: Mail, kind: str
) -> None:
    answer = home.client.post(path(mail, "unsubscribe"), data=ONE_CLICK, content_type=kind)
    assert answer.status_code == 200
    assert "Location" not in answer.headers
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.UNSUBSCRIBED
    assert [row["reason"] for row in home.rows(suppressions)] == ["unsubscribed"]
    assert home.person(ANN)["purposes"] == frozenset()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", ""),
        (b"\xff\x00", "application/octet-stream"),
        (b"{}", "application/json"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"List-Unsubscribe=One-Click&undo=1", "application/x-www-form-urlencoded"),
        (b"List-Unsubscribe=One-Click&undo=perhaps", "application/x-www-form-urlencoded"),
    ],
)
def test_an_unsubscribe_counts_whatever_its_body_contains(
    home: Installation, mail: Mail, body: bytes, kind: str
) -> None:
    answer = home.client.post(path(mail, "unsubscribe"), data=body, content_type=kind)
    assert answer.status_code == 200
    assert home.person(ANN)["purposes"] == frozenset()


def test_a_repeated_unsubscribe_is_recorded_once(home: Installation, mail: Mail) -> None:
    for _ in range(3):
        assert home.client.post(path(mail, "unsubscribe"), data=ONE_CLICK).status_code == 200
    kinds = [event["kind"] for event in home.rows(events)]
    assert kinds == ["unsubscribed"]
    assert home.rows(events)[0]["message_id"] == home.messages_of(ANN)[0]["id"]


def test_an_unsubscribe_can_be_undone_on_the_same_page(home: Installation, mail: Mail) -> None:
    home.press(link_in(mail, "unsubscribe"))
    assert home.press(link_in(mail, "unsubscribe"), undo="1").status_code == 200
    assert home.rows(suppressions) == []
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE
    assert home.person(ANN)["purposes"] == {"guide", *SERIES}


@pytest.mark.parametrize("wish", ["usual", "fewer", "paused", "stopped"])
def test_the_preference_page_saves_each_choice_and_shows_it_afterwards(
    home: Installation, mail: Mail, wish: str
) -> None:
    link = link_in(mail, "preferences")
    answer = home.press(link, frequency=wish, tracking="1")
    assert answer.status_code == 200
    shown = home.client.get(urlsplit(link).path).text
    assert f'value="{wish}" checked' in " ".join(shown.split())


def test_a_choice_the_preference_page_does_not_offer_changes_nothing(
    home: Installation, mail: Mail
) -> None:
    before = home.everything()
    for form in ({}, {"frequency": "hourly"}, {"frequency": "usual", "tracking": "yes"}):
        assert home.press(link_in(mail, "preferences"), **form).status_code == 422
    assert home.everything() == before


def test_the_evidence_of_a_consent_does_not_contain_the_token(
    home: Installation, mail: Mail
) -> None:
    home.press(link_in(mail, "preferences"), frequency="usual", tracking="1")
    row = home.rows(consents)[-1]
    assert (row["source"], row["purpose"], row["granted"]) == ("preferences", "tracking", True)
    assert link_in(mail, "preferences").rpartition("/")[2] not in row["page_url"]
    assert "Firefox" in row["user_agent"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("change", ["cut", "changed", "swapped", "empty", "long", "odd"])
def test_a_forged_address_gets_a_friendly_page_that_reveals_nothing(
    sqlite_home: Installation, smtp_sink: ScriptedSink, page: str, change: str
) -> None:
    home = sqlite_home
    home.subscribe(ANN)
    home.deliver()
    token = path(smtp_sink.mails[0], page).rpartition("/")[2]
    other = path(smtp_sink.mails[0], PAGES[PAGES.index(page) - 1]).rpartition("/")[2]
    forged = {
        "cut": token[:-1],
        "changed": ("A" if token[0] != "A" else "B") + token[1:],
        "swapped": other,
        "empty": "%20",
        "long": token * 50,
        "odd": "%00é%ff",
    }[change]
    before = home.everything()
    for answer in (home.client.get(f"/{page}/{forged}"), home.client.post(f"/{page}/{forged}")):
        assert (answer.status_code, answer.mimetype) == (404, "text/html")
        assert guarded(answer)
    assert home.everything() == before


def test_no_page_leaks_its_token(home: Installation, mail: Mail) -> None:
    for page in PAGES:
        assert guarded(home.client.get(path(mail, page)))
    assert guarded(home.press(link_in(mail, "preferences"), frequency="usual"))
    assert guarded(home.press(link_in(mail, "unsubscribe")))


def test_every_page_asks_to_retry_while_the_database_is_unavailable(
    home: Installation, mail: Mail
) -> None:
    from webhooks import create_app

    away = home.another(NURTURE_DATABASE_URL="postgresql://127.0.0.1:1/nobody")
    client = create_app(away).test_client()
    for page in PAGES:
        for answer in (client.get(path(mail, page)), client.post(path(mail, page))):
            assert (answer.status_code, answer.mimetype) == (503, "text/html")
            assert answer.headers["Retry-After"]
            assert guarded(answer)


def test_pages_show_only_a_masked_address(home: Installation, mail: Mail) -> None:
    for page in ("preferences", "unsubscribe"):
        shown = home.client.get(path(mail, page)).text
        assert ANN not in shown
        assert "a•••@example.org" in shown


def test_an_oversized_form_is_refused(home: Installation, mail: Mail) -> None:
    large = {"frequency": "usual", "x": (BytesIO(b"x" * 20_000), "x")}
    before = home.everything()
    answer = home.client.post(path(mail, "preferences"), data=large)
    assert answer.status_code == 413
    assert home.everything() == before
