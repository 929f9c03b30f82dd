"""Dealing with complaints: what the owner records, and what is kept for how long."""

from datetime import timedelta

import pytest

from nurture.domain.complaints import KEPT_FOR, read_wording
from nurture.services.complaints import answers
from nurture.services.complaints.answers import ComplaintState, NoComplaintError
from nurture.services.complaints.receipt import receive
from nurture.services.reports import dashboard
from nurture.services.subscribers import erasure, export
from nurture.store.tables.complaints import Complaint, complaints
from tests.installation import Installation

ANN, EVE = "ann.unmistakable@example.org", "eve.unmistakable@example.org"


def complain(home: Installation, address: str = EVE, text: str = "My unmistakable words.") -> int:
    wording = read_wording(text, "Unmistakable", "letter", "1 Unmistakable Road")
    database, now = home.context.database, home.clock.now
    return receive(database, wording, address, "192.0.2.7", now).id


def listed(home: Installation) -> list[ComplaintState]:
    return answers.list_states(*home.context.stored, home.clock.now)


def close(home: Installation, number: int) -> Complaint:
    context = home.context
    return answers.close(context.database, context.tokens, number, home.clock.now)


def tidy(home: Installation) -> None:
    erasure.tidy(home.context.database, home.context.files, home.clock.now)


def forget(home: Installation, address: str) -> None:
    context, number = home.context, home.person(address)["id"]
    assert erasure.forget(context.database, context.files, number, home.clock.now)


def traces(home: Installation) -> list[str]:
    """Return the tables that still say whose complaint it was, or what it said."""
    return [
        name for name, rows in home.everything().items() if "unmistakable" in repr(rows).lower()
    ]


def test_those_to_be_acknowledged_come_first_and_the_oldest_of_them_first(
    home: Installation,
) -> None:
    numbers = []
    for n in range(4):
        numbers.append(complain(home, text=f"Number {n}."))
        home.clock.advance(timedelta(days=1))
    answers.acknowledge(home.context.database, numbers[1], home.clock.now)
    close(home, numbers[3])
    assert [(one.complaint.id, one.stage) for one in listed(home)] == [
        (numbers[0], "waiting"),
        (numbers[2], "waiting"),
        (numbers[3], "closed"),
        (numbers[1], "acknowledged"),
    ]
    first = listed(home)[0].deadline
    assert first is not None and first.days_left == 26
    needs = dashboard.oversee(*home.context.stored, "", 0, home.clock.now).needs
    assert [one.complaint.id for one in needs.complaints] == [numbers[0], numbers[2]]


def test_the_first_acknowledgement_counts_and_an_answer_is_one_too(home: Installation) -> None:
    first, second = complain(home, text="First."), complain(home, text="Second.")
    at = home.clock.now
    answers.acknowledge(home.context.database, first, at)
    home.clock.advance(timedelta(days=2))
    assert answers.acknowledge(home.context.database, first, home.clock.now).acknowledged_at == at
    closed = close(home, second)
    assert closed.acknowledged_at == closed.closed_at == home.clock.now
    home.clock.advance(timedelta(days=2))
    assert close(home, second) == closed


def test_a_complaint_is_found_by_number_and_by_reference(home: Installation) -> None:
    number, database = complain(home), home.context.database
    reference = listed(home)[0].complaint.reference
    assert answers.identify(database, str(number)) == number
    assert answers.identify(database, f" {reference.lower()} ") == number
    for wrong in ("99", "nothing", "٣"):
        with pytest.raises(NoComplaintError):
            answers.identify(database, wrong)
    with pytest.raises(NoComplaintError):
        answers.acknowledge(database, 99, home.clock.now)


def test_an_open_complaint_outlasts_an_erasure_and_ends_with_its_answer(
    home: Installation,
) -> None:
    home.subscribe(ANN)
    number = complain(home, ANN)
    answers.note(home.context.database, number, "Rang Ms Unmistakable.")
    forget(home, ANN)
    assert traces(home) == ["complaints"]
    state = answers.find_state(*home.context.stored, number, home.clock.now)
    assert state is not None and state.complaint.address == ANN and state.person is None
    closed = close(home, number)
    assert traces(home) == []
    assert closed.address is None and closed.received_at and closed.closed_at


def test_a_closed_complaint_goes_with_its_person(home: Installation) -> None:
    home.subscribe(ANN)
    kept, closed = complain(home, EVE, "Another’s."), complain(home, ANN)
    close(home, closed)
    forget(home, ANN)
    rows = {row["id"]: row["text"] for row in home.rows(complaints)}
    assert rows == {kept: "Another’s.", closed: ""}


def test_a_complaint_sent_before_signing_up_goes_with_its_person_too(home: Installation) -> None:
    close(home, complain(home, ANN.upper()))
    home.subscribe(ANN)
    assert "complaints" in traces(home)
    forget(home, ANN)
    assert traces(home) == []


def test_a_stranger_who_complained_can_have_everything_and_be_erased(home: Installation) -> None:
    number, context = complain(home), home.context
    record = export.export_booker(context.database, context.tokens, EVE.title(), home.clock.now)
    assert record is not None
    assert [row["text"] for row in record["complaints"]] == ["My unmistakable words."]
    files, tokens = context.files, context.tokens
    assert erasure.forget_booker(context.database, files, tokens, EVE, home.clock.now)
    assert "complaints" in traces(home)
    close(home, number)
    assert traces(home) == []


def test_the_words_stay_for_a_year_after_closing_and_the_network_for_a_day(
    home: Installation,
) -> None:
    closed, still_open = complain(home), complain(home, text="Still open, unmistakable.")
    close(home, closed)
    home.clock.advance(timedelta(days=1, seconds=1))
    tidy(home)
    assert {row["network"] for row in home.rows(complaints)} == {""}
    home.clock.advance(KEPT_FOR - timedelta(days=2))
    tidy(home)
    before = {row["id"]: row["text"] for row in home.rows(complaints)}
    assert before[closed] == "My unmistakable words."
    home.clock.advance(timedelta(days=2))
    tidy(home)
    texts = {row["id"]: row["text"] for row in home.rows(complaints)}
    assert texts == {closed: "", still_open: "Still open, unmistakable."}


def test_an_emptied_complaint_takes_no_note(home: Installation) -> None:
    home.subscribe(ANN)
    number = complain(home, ANN)
    close(home, number)
    forget(home, ANN)
    answers.note(home.context.database, number, "It was Ms Unmistakable.")
    assert traces(home) == []


def test_the_export_of_a_person_has_their_complaints(home: Installation) -> None:
    complain(home, ANN, "Before I signed up.")
    home.subscribe(ANN)
    number = complain(home, ANN, "Since I signed up.")
    answers.note(home.context.database, number, "She is right.")
    person = home.person(ANN)["id"]
    record = export.export(*home.context.stored, person, home.clock.now)
    assert record is not None
    found = [(row["text"], row["note"]) for row in record["complaints"]]
    assert found == [("Before I signed up.", ""), ("Since I signed up.", "She is right.")]
    of_person = answers.list_of_person(home.context.database, person, ANN)
    assert [one for one, _ in of_person] == [1, number]
