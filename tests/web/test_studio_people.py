"""The studio's people: found without a trace in a URL, shown completely, and acted on."""

import json
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.tracking.events import EventKind, MailEvent
from nurture.services.inbound import events
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation
from tests.vocabulary import book
from tests.web.reading import words
from tests.web.studio import send, token_on

ANN, HER = "ann@example.org", "/studio/people/1"
ACTS = (
    "/pause",
    "/resume",
    "/stop",
    "/forget",
    "/export",
    "/take-out/pain-guide",
    "/put-back/pain-guide",
)


@pytest.fixture
def ann(sqlite_home: Installation, paul: FlaskClient) -> FlaskClient:
    """Paul's browser, in an installation where Ann and Bob signed up."""
    sqlite_home.subscribe(ANN, first_name="Ann")
    sqlite_home.subscribe("bob@example.org")
    sqlite_home.deliver()
    return paul


def test_everyone_is_listed_and_filters_may_be_part_of_the_url(ann: FlaskClient) -> None:
    page = ann.get("/studio/people").text
    assert "2 people" in page
    assert page.index("bob@example.org") < page.index(ANN)
    assert "Nobody fits" in ann.get("/studio/people?segment=golfers").text
    assert "no segment “nothing” any more" in ann.get("/studio/people?segment=nothing").text
    assert "2 people" in ann.get("/studio/people?level=nonsense&stage=nonsense&before=x").text


def test_a_search_is_a_post_and_never_part_of_the_url(
    ann: FlaskClient,
) -> None:
    answer = send(ann, "/studio/people", words="AnN")
    assert "1 person" in answer.text
    assert ANN in answer.text and "bob@example.org" not in answer.text
    assert ANN not in answer.headers.get("HX-Push-Url", "")
    assert "2 people" in ann.get("/studio/people?words=ann").text
    form = ann.get("/studio/people").text
    assert 'method="post"' in form and 'method="get"' not in form


def test_a_persons_page_shows_everything(sqlite_home: Installation, ann: FlaskClient) -> None:
    page = words(ann.get(HER).text)
    for said in (
        "ann@example.org, with you since Mon 2 Mar",
        "The guide of “9 key principles to help you recover from pain and injury” has not been",
        "Signed up for “9 key principles to help you recover from pain and injury”.",
        "Sent “Your 21-page guide is ready to collect”.",
        "Getting the series of emails",
        "Never asked",
        "Not confirmed",
    ):
        assert said in page
    assert ann.get("/studio/people/77").status_code == 404


def test_viewing_changes_nothing(sqlite_home: Installation, ann: FlaskClient) -> None:
    before = sqlite_home.everything()
    for path in ("", "/stop", "/forget", "/take-out/pain-guide"):
        assert ann.get(HER + path).status_code == 200, path
    for path in ("/pause", "/resume", "/export", "/put-back/pain-guide"):
        assert ann.get(HER + path).status_code in (404, 405), path
    send(ann, "/studio/people", words="ann")
    assert sqlite_home.everything() == before


def test_nothing_changes_without_a_session_or_the_forms_token(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    before = sqlite_home.everything()
    stranger = ann.application.test_client()
    for path in ACTS:
        assert stranger.post(HER + path, data={"days": "30"}).status_code == 403, path
        assert ann.post(HER + path, data={"days": "30"}).status_code == 400, path
    assert stranger.get(HER).location.startswith("/studio/sign-in")
    assert sqlite_home.everything() == before


def test_a_person_can_be_paused_and_resumed(sqlite_home: Installation, ann: FlaskClient) -> None:
    assert send(ann, HER, f"{HER}/pause", days="30").status_code == 303
    assert "Paused until Wed 1 Apr" in words(ann.get(HER).text)
    send(ann, HER, f"{HER}/resume")
    assert "Paused until" not in ann.get(HER).text
    for until in ("2026-03-02", "2020-01-01", "someday", ""):
        answer = send(ann, HER, f"{HER}/pause", until=until)
        assert answer.status_code == 422 and "still to come" in answer.text
    send(ann, HER, f"{HER}/pause", until="2026-03-09")
    assert "Paused until Mon 9 Mar" in words(ann.get(HER).text)


def test_stopping_a_persons_emails_needs_confirmation(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    assert "Nobody but they can take it back" in ann.get(f"{HER}/stop").text
    assert send(ann, f"{HER}/stop").location == HER
    assert sqlite_home.enrolment(ANN)["status"] == EnrolmentStatus.UNSUBSCRIBED
    page = words(ann.get(HER).text)
    assert "No emails planned: you unsubscribed them, as they asked." in page
    assert "You unsubscribed them, as they asked." in page
    assert "Unsubscribe them" not in page


def test_one_sequence_can_be_stopped_on_its_own(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    assert send(ann, f"{HER}/take-out/pain-guide").location == HER
    assert sqlite_home.enrolment(ANN)["status"] == EnrolmentStatus.REMOVED
    assert "You took them out of “9 key principles" in ann.get(HER).text
    assert ann.get(f"{HER}/take-out/pain-guide").status_code == 404


def test_a_removed_person_is_put_back_by_one_button(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    assert "undo this at any time" in words(ann.get(f"{HER}/take-out/pain-guide").text)
    send(ann, f"{HER}/take-out/pain-guide")
    page = words(ann.get(HER).text)
    assert "No emails planned: you took them out of “9 key principles" in page
    assert "Put back into “9 key principles" in page
    assert send(ann, HER, f"{HER}/put-back/pain-guide").location == HER
    assert sqlite_home.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE
    page = words(ann.get(HER).text)
    assert "You put them back into “9 key principles" in page
    assert "Put back into" not in page
    assert send(ann, HER, f"{HER}/put-back/pain-guide").status_code == 409
    assert send(ann, HER, f"{HER}/put-back/nothing").status_code == 409


def test_a_person_who_opted_out_cannot_be_put_back_and_the_page_says_why(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    send(ann, f"{HER}/take-out/pain-guide")
    send(ann, f"{HER}/stop")
    page = words(ann.get(HER).text)
    assert "cannot be put back into “9 key principles" in page
    assert "you unsubscribed them, as they asked. Only they can undo this" in page
    assert "Put back into" not in page
    answer = send(ann, HER, f"{HER}/put-back/pain-guide")
    assert answer.status_code == 409 and "you unsubscribed them" in answer.text


def test_a_box_left_empty_is_distinguished_from_one_never_shown(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    sqlite_home.subscribe("bob@example.org")
    sqlite_home.subscribe("cleo@example.org")
    cleo = sqlite_home.enrolment("cleo@example.org")["id"]
    sqlite_home.collect(cleo, tracking=False, health_topics=False)
    people = [sqlite_home.person(f"{name}@example.org")["id"] for name in ("bob", "cleo")]
    bob, cleo_page = (words(ann.get(f"/studio/people/{number}").text) for number in people)
    assert "Never asked" in bob and "Not ticked" not in bob
    assert cleo_page.count("Not ticked") == 2
    assert cleo_page.count("Never asked") == 2  # New articles, and news: the page had no such box.
    assert "They saw the box on" in cleo_page


def test_a_cancelled_booking_is_not_shown_as_booked(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    book(sqlite_home, ANN)
    assert "Booked" in words(ann.get("/studio/people").text)
    sqlite_home.clock.advance(timedelta(hours=1))
    book(sqlite_home, ANN, "b2", booked=False, cancelled=True)
    page = words(ann.get("/studio/people").text)
    assert page.count("Booked") == page.count("Booked a session")


def test_erasing_a_person_requires_their_address(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    before = sqlite_home.rows(subscribers)
    wrong = send(ann, f"{HER}/forget", address="bob@example.org")
    assert wrong.status_code == 422 and "Nothing has been erased" in wrong.text
    assert sqlite_home.rows(subscribers) == before
    assert send(ann, f"{HER}/forget", address=" ANN@example.org").location == "/studio/people"
    assert ann.get(HER).status_code == 404
    assert ANN not in ann.get("/studio/people").text
    token = token_on(ann, "/studio/account")
    gone = ann.post(f"{HER}/stop", data={"csrf_token": token})
    assert gone.status_code == 404


def test_all_stored_data_can_be_downloaded_as_a_page_or_as_json(ann: FlaskClient) -> None:
    document = send(ann, HER, f"{HER}/export", format="json")
    assert document.headers["Content-Disposition"] == 'attachment; filename="person-1.json"'
    assert json.loads(document.text)["person"]["address"] == ANN
    page = send(ann, HER, f"{HER}/export", format="html")
    assert page.headers["Content-Disposition"] == 'attachment; filename="person-1.html"'
    assert "Everything we hold about you" in page.text


def test_text_typed_by_subscribers_is_escaped(sqlite_home: Installation, paul: FlaskClient) -> None:
    sqlite_home.subscribe("a@example.org", first_name="<img src=x>", utm={"x": "<img src=y>"})
    for page in ("/studio/people", HER):
        assert "<img" not in paul.get(page).text
    assert "<img" not in send(paul, "/studio/people", words="<img src=z>").text


def bounced(home: Installation) -> None:
    """Report, as Postmark, that Ann's mailbox does not exist."""
    told = MailEvent(
        EventKind.BOUNCED, "postmark", "b1", home.clock.now, ANN, None, True, "550 No such user", {}
    )
    context = home.context
    events.record_mail_events(
        context.database, context.catalogue, context.tokens, [told], home.clock.now
    )


def test_a_bounce_is_lifted_with_a_reason_and_appears_in_the_story(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    bounced(sqlite_home)
    page = words(ann.get(HER).text)
    assert "Emails to their address came back" in page
    assert "550 No such user" in page
    refused = send(ann, HER, f"{HER}/lift", reason=" ")
    assert refused.status_code == 422
    assert "Say in a few words why the address is good again." in words(refused.text)
    assert sqlite_home.rows(suppressions) != []
    answer = send(ann, HER, f"{HER}/lift", reason="she rang")
    assert answer.status_code == 303
    page = words(ann.get(HER).text)
    assert "They are written to again. Postmark keeps a list of its own as well" in page
    assert "You had the address written to again" in page
    assert "Because she rang, as said in the studio" in page
    assert sqlite_home.rows(suppressions) == []
    assert sqlite_home.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE


def test_an_opt_out_has_no_lift_button_and_the_page_says_who_can_undo_it(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    send(ann, f"{HER}/stop")
    page = words(ann.get(HER).text)
    assert "They unsubscribed" in page
    assert "Only they can take that back" in page
    assert "Write to them again" not in page
    answer = send(ann, "/studio/people", f"{HER}/lift", reason="please")
    assert answer.status_code == 422
    assert [row["reason"] for row in sqlite_home.rows(suppressions)] == ["unsubscribed"]


def test_everything_about_all_people_is_saved_as_a_file_by_post_only(ann: FlaskClient) -> None:
    assert "Take everything with you" in ann.get("/studio/people").text
    answer = send(ann, "/studio/people", "/studio/people/export", format="csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment; filename=people-" in answer.headers["Content-Disposition"]
    assert answer.text.startswith('\ufeff"email"')
    assert ANN in answer.text and "bob@example.org" in answer.text
    documents = send(ann, "/studio/people", "/studio/people/export", format="ndjson").text
    assert [json.loads(line)["email"] for line in documents.splitlines()] == [
        ANN,
        "bob@example.org",
    ]
    assert send(ann, "/studio/people", "/studio/people/export", format="exe").status_code == 400
    assert ann.get("/studio/people/export").status_code in (404, 405)


def test_a_stranger_cannot_save_everything(stranger: FlaskClient) -> None:
    answer = stranger.post("/studio/people/export", data={"format": "csv"})
    assert answer.status_code in (302, 303, 400, 401, 403)
