"""The owner's actions for one person are immediate, attributed to the owner, and repeatable."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.consent import Evidence
from nurture.domain.subscribers.preferences import PreferenceChange, Wish
from nurture.domain.tracking.events import EventKind
from nurture.services.subscribers import on_behalf, preferences
from nurture.services.subscribers.on_behalf import NobodyThereError, NotAheadError, NotPutBackError
from nurture.store.tables.consents import consents
from nurture.store.tables.events import events
from tests.installation import Installation
from tests.vocabulary import book, report_event, take_out, unsubscribed

ANN, BOUNCED = "ann@example.org", EventKind.BOUNCED
HERE = Evidence("https://emails.example.org/studio/people/1/stop", "192.0.2.9", "Paul's browser")


@pytest.fixture
def ann(home: Installation) -> Installation:
    """An installation in which Ann has collected her guide."""
    home.subscribe(ANN, first_name="Ann")
    home.deliver()
    home.collect()
    return home


def stop(home: Installation) -> None:
    context = home.context
    on_behalf.stop_everything(context.database, context.catalogue, 1, HERE, home.clock.now)


def noted(home: Installation, kind: str) -> list[str]:
    return [row["source"] for row in home.rows(events) if row["kind"] == kind]


def test_a_pause_holds_the_sequence_and_ends_automatically(ann: Installation) -> None:
    until = ann.clock.now + timedelta(days=14)
    on_behalf.pause(ann.context.database, 1, until, ann.clock.now)
    ann.live_until(until - timedelta(minutes=1))
    assert len(ann.statuses(ANN)) == 1
    ann.live(days=4)
    assert len(ann.statuses(ANN)) == 2
    assert noted(ann, "paused") == ["studio"]


def test_a_pause_can_be_ended_early_and_must_end_in_the_future(ann: Installation) -> None:
    database, now = ann.context.database, ann.clock.now
    with pytest.raises(NotAheadError):
        on_behalf.pause(database, 1, now, now)
    on_behalf.pause(database, 1, now + timedelta(days=90), now)
    on_behalf.resume(database, 1, now)
    on_behalf.resume(database, 1, now)
    ann.live(days=5)
    assert len(ann.statuses(ANN)) == 2
    assert noted(ann, "resumed") == ["studio"]


def test_stopping_emails_in_the_studio_unsubscribes_the_person_and_says_who_did_it(
    ann: Installation,
) -> None:
    stop(ann)
    before = ann.everything()
    stop(ann)
    assert ann.everything() == before
    assert ann.enrolment(ANN)["status"] == EnrolmentStatus.UNSUBSCRIBED
    last = ann.rows(consents)[-1]
    assert (last["granted"], last["source"], last["page_url"]) == (False, "studio", HERE.page_url)
    assert noted(ann, "unsubscribed") == ["studio"]
    ann.live(days=30)
    assert len(ann.statuses(ANN)) == 1


def test_only_the_person_can_undo_a_stop_and_doing_so_restores_everything(
    ann: Installation,
) -> None:
    agreed = ann.person(ANN)["purposes"]
    stop(ann)
    context, change = ann.context, PreferenceChange(Wish.USUAL, False, False)
    preferences.change_preferences(
        context.database, context.catalogue, 1, change, Evidence(), ann.clock.now
    )
    assert ann.person(ANN)["purposes"] == agreed
    assert ann.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE


def test_stopping_one_sequence_leaves_the_others_running(ann: Installation) -> None:
    ann.subscribe(ANN, "over-50-guide")
    database, now = ann.context.database, ann.clock.now
    assert on_behalf.take_out(database, 1, "pain-guide", now)
    assert not on_behalf.take_out(database, 1, "pain-guide", now)
    assert not on_behalf.take_out(database, 1, "nothing", now)
    assert ann.enrolment(ANN)["status"] == EnrolmentStatus.REMOVED
    assert ann.enrolment(ANN, "over-50-guide")["status"] == EnrolmentStatus.ACTIVE
    assert noted(ann, "removed") == ["studio"]
    ann.deliver()
    sent = [m["sequence"] for m in ann.messages_of(ANN) if m["status"] == MessageStatus.ACCEPTED]
    assert sent == ["pain-guide", "over-50-guide"]


def test_acting_for_an_unknown_person_changes_nothing(home: Installation) -> None:
    database, now = home.context.database, home.clock.now
    before = home.everything()
    for act in (
        lambda: on_behalf.pause(database, 7, now + timedelta(days=1), now),
        lambda: on_behalf.resume(database, 7, now),
        lambda: on_behalf.take_out(database, 7, "pain-guide", now),
    ):
        with pytest.raises(NobodyThereError):
            act()
    assert home.everything() == before


def put_back(
    home: Installation, sequence: str = "pain-guide", by: str = "paul@example.org"
) -> None:
    context = home.context
    on_behalf.put_back(context.database, context.catalogue, 1, sequence, home.clock.now, by)


def let_go(home: Installation) -> None:
    home.subscribe(ANN, "over-50-guide")
    home.live(days=31)


def test_an_expired_enrolment_can_be_put_back_and_waits_for_the_guide_again(
    ann: Installation,
) -> None:
    let_go(ann)
    assert ann.enrolment(ANN, "over-50-guide")["status"] == EnrolmentStatus.REMOVED
    had = [m["step"] for m in ann.messages_of(ANN) if m["sequence"] == "over-50-guide"]
    put_back(ann, "over-50-guide")
    ann.live(days=29)
    assert ann.enrolment(ANN, "over-50-guide")["status"] == EnrolmentStatus.ACTIVE
    ann.collect(ann.enrolment(ANN, "over-50-guide")["id"])
    ann.live(days=90)
    steps = [m["step"] for m in ann.messages_of(ANN) if m["sequence"] == "over-50-guide"]
    assert steps[: len(had)] == had
    assert len(steps) == len(set(steps)) == len(had) + 7
    assert noted(ann, "put_back") == ["studio"]


def then(*deeds: Callable[[Installation], object]) -> Callable[[Installation], None]:
    """Combine actions, one after another."""

    def together(home: Installation) -> None:
        for deed in deeds:
            deed(home)

    return together


@pytest.mark.parametrize(
    ("before", "why_not"),
    [
        (lambda home: None, "they are in it"),
        (lambda home: home.live(days=90), "they have finished “pain-guide”"),
        (stop, "you unsubscribed them, as they asked"),
        (unsubscribed, "they unsubscribed"),
        (lambda home: book(home, ANN), "they booked, so “pain-guide” ended"),
        (then(take_out, unsubscribed), "they unsubscribed"),
        (then(take_out, lambda home: book(home, ANN)), "they have booked a session"),
        (
            then(take_out, lambda home: report_event(home, BOUNCED, recipient=ANN, permanent=True)),
            "their address does not work: an email came back",
        ),
    ],
)
def test_a_person_who_opted_out_or_has_nothing_left_cannot_be_put_back(
    ann: Installation, before: Callable[[Installation], object], why_not: str
) -> None:
    before(ann)
    rows = ann.everything()
    with pytest.raises(NotPutBackError, match=f"into “pain-guide”: {re.escape(why_not)}."):
        put_back(ann)
    assert ann.everything() == rows


def test_a_person_cannot_be_put_back_into_a_sequence_they_were_never_in(ann: Installation) -> None:
    with pytest.raises(NotPutBackError, match="never been in “golf”"):
        put_back(ann, "golf")
    with pytest.raises(NobodyThereError):
        on_behalf.put_back(
            ann.context.database, ann.context.catalogue, 7, "golf", ann.clock.now, "paul"
        )


def test_putting_a_person_back_twice_is_refused_the_second_time(ann: Installation) -> None:
    take_out(ann)
    put_back(ann)
    with pytest.raises(NotPutBackError, match="they are in it"):
        put_back(ann)


def test_a_removed_person_gets_the_guide_they_request_and_stays_removed(ann: Installation) -> None:
    take_out(ann)
    ann.live(days=2)
    ann.subscribe(ANN)
    ann.live(days=90)
    assert [m["step"] for m in ann.messages_of(ANN)] == ["your-guide", "your-guide"]
    row = ann.enrolment(ANN)
    assert (row["status"], row["ended_because"]) == (EnrolmentStatus.REMOVED, "taken_out")
    put_back(ann)
    ann.live(days=90)
    assert len(ann.messages_of(ANN)) == 10


def test_collecting_the_guide_after_removal_starts_nothing(home: Installation) -> None:
    home.subscribe(ANN)
    home.deliver()
    take_out(home)
    home.collect()
    home.live(days=90)
    assert len(home.messages_of(ANN)) == 1
