"""A subscriber's pages, reached through an email's links: viewing changes nothing."""

from html import unescape
from io import BytesIO
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.services.subscribers import erasure
from nurture.store.tables.consents import consents
from nurture.store.tables.events import events
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation, link_in
from tests.installations import ScriptedSink
from tests.presence import at_least_one
from tests.servers.smtp import Mail
from tests.vocabulary import SERIES
from tests.web.reading import read

ANN = "ann@example.org"
PAGES = ("guide", "preferences", "unsubscribe")
PAIN = "9 key principles to help you recover from pain and injury"
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


def test_the_guide_page_asks_only_for_what_was_not_agreed_to(
    home: Installation, mail: Mail
) -> None:
    shown = read(home.client.get(path(mail, "guide")).text)
    named = shown.one("input", name="boxes").attributes["value"]
    assert named == "articles news tracking health_topics"
    form = {"boxes": named, "news": "1", "health_topics": "1"}
    assert home.press(link_in(mail, "guide"), **form).status_code == 200
    assert home.person(ANN)["purposes"] == {"guide", *SERIES, "news", "health_topics"}
    again = read(home.client.get(path(mail, "guide")).text)
    assert again.one("input", name="boxes").attributes["value"] == "articles tracking"


def test_a_box_left_empty_on_the_guide_page_withdraws_nothing(
    home: Installation, mail: Mail
) -> None:
    boxes = "articles news tracking health_topics"
    home.press(link_in(mail, "guide"), boxes=boxes, tracking="1")
    agreed = home.person(ANN)["purposes"]
    assert "tracking" in agreed
    home.press(link_in(mail, "guide"), boxes=boxes)
    assert home.person(ANN)["purposes"] == agreed


@pytest.mark.parametrize(
    "form",
    [
        {"boxes": "", "news": "1", "tracking": "1"},
        {"boxes": "articles", "news": "1", "tracking": "1"},
        {"boxes": "guide series marketing series:over-50-guide x", "series": "1", "x": "1"},
        {"news": "1", "articles": "1"},
    ],
)
def test_a_box_that_the_guide_page_did_not_show_counts_for_nothing(
    home: Installation, mail: Mail, form: dict[str, str]
) -> None:
    assert home.press(link_in(mail, "guide"), **form).status_code == 200
    assert home.person(ANN)["purposes"] == {"guide", *SERIES}


def test_a_guide_page_that_was_opened_before_an_upgrade_still_works(
    home: Installation, mail: Mail
) -> None:
    home.press(link_in(mail, "guide"), asked="1", tracking="1", health_topics="1")
    assert {"tracking", "health_topics"} <= home.person(ANN)["purposes"]
    assert home.person(ANN)["boxes_seen_at"] == home.clock.now
    home.press(link_in(mail, "guide"), asked="1", tracking="1")
    assert home.person(ANN)["purposes"] == {"guide", *SERIES, "tracking"}


def test_nothing_that_would_have_no_effect_is_asked_of_someone_who_unsubscribed(
    home: Installation, mail: Mail
) -> None:
    home.press(link_in(mail, "unsubscribe"))
    shown = read(home.client.get(path(mail, "guide")).text)
    assert shown.one("input", name="boxes").attributes["value"] == "tracking health_topics"


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
        (b"List-Unsubscribe=One-Click&keep=series%3Apain-guide", "multipart/form-data"),
        (b"List-Unsubscribe=One-Click&keep=series:pain-guide", "application/x-www-form-urlencoded"),
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


def test_one_kind_of_email_can_be_kept_after_an_unsubscribe(home: Installation, mail: Mail) -> None:
    link = link_in(mail, "unsubscribe")
    page = read(home.press(link).text)
    [keep] = page.all("button", name="keep")
    assert keep.said() == f"Keep only the series “{PAIN}”"
    kept = home.press(link, keep=keep.attributes["value"])
    assert kept.status_code == 200
    assert [item.said() for item in read(kept.text).all("li")] == [f"the series “{PAIN}”"]
    assert home.rows(suppressions) == []
    assert home.person(ANN)["purposes"] == {*SERIES}
    assert home.press(link, keep=keep.attributes["value"]).status_code == 200


@pytest.mark.parametrize("kept", ["news", "series:over-50-guide", "guide", "tracking", "x", ""])
def test_what_they_did_not_get_before_cannot_be_kept(
    home: Installation, mail: Mail, kept: str
) -> None:
    home.press(link_in(mail, "unsubscribe"))
    before = home.everything()
    assert home.press(link_in(mail, "unsubscribe"), keep=kept).status_code == 422
    assert home.everything() == before


def test_the_preference_page_posts_each_kind_of_email_by_its_name(
    home: Installation, mail: Mail
) -> None:
    page = read(home.client.get(path(mail, "preferences")).text)
    shown = [box.attributes["value"] for box in page.all("input", name="shown")]
    assert shown == ["series:pain-guide", "articles", "news"]
    form = {"frequency": "usual", "shown": shown, "stream": ["news", "series:over-50-guide"]}
    assert home.client.post(path(mail, "preferences"), data=form).status_code == 200
    assert home.person(ANN)["purposes"] == {"guide", "news"}


def test_a_stopped_person_who_ticks_nothing_is_told_so_kindly(
    home: Installation, mail: Mail
) -> None:
    home.press(link_in(mail, "unsubscribe"))
    before = home.everything()
    form = {"frequency": "usual", "shown": ["series:pain-guide", "articles", "news"]}
    answer = home.client.post(path(mail, "preferences"), data=form)
    assert answer.status_code == 422
    [alert] = read(answer.text).with_role("alert")
    assert "Please tick at least one kind of email" in alert.said()
    assert home.everything() == before


# --- Why an email came -----------------------------------------------------------------------


def test_an_email_leads_to_the_page_that_says_why_it_came(home: Installation, mail: Mail) -> None:
    before = home.everything()
    answer = home.client.get(path(mail, "why"))
    page = read(answer.text)
    assert (answer.status_code, guarded(answer)) == (200, True)
    assert "It brought you our free guide" in page.one("main").said()
    assert "a•••@example.org" in page.one("main").said() and ANN not in answer.text
    hrefs = {link.attributes["href"] for link in page.all("a") if link.inside("main")}
    assert all(home.client.get(href).status_code == 200 for href in at_least_one(hrefs))
    assert len(hrefs) == 3
    assert home.client.post(path(mail, "why")).status_code == 405
    assert home.everything() == before


def test_why_an_email_came_can_be_read_after_unsubscribing_and_after_an_erasure(
    home: Installation, mail: Mail
) -> None:
    home.press(link_in(mail, "unsubscribe"))
    stopped = home.client.get(path(mail, "why"))
    assert stopped.status_code == 200
    assert "You unsubscribed on" in stopped.text
    context = home.context
    assert erasure.forget(context.database, context.files, 1, home.clock.now)
    erased = home.client.get(path(mail, "why"))
    assert (erased.status_code, guarded(erased)) == (404, True)
    assert "We no longer hold anything about you" in erased.text


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
