"""An event that says who and what counts, even if everything else is missing or odd."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from nurture import booking
from nurture.domain.tracking.events import BookingEvent, EventKind, MailEvent
from nurture.mail.providers import registry
from nurture.payload import PayloadError
from tests.booking.calendar_calls import payloads as bookings
from tests.mail.provider_calls import payloads
from tests.presence import at_least_one

#: Stands for a field that is not there at all.
ABSENT = object()

ODD = [ABSENT, None, "", "odd", "<odd>", 5, 1.5, True, [], {}, [None], ["odd"], {"odd": 1}, [{}]]

#: Without these nobody can say what happened.
ESSENTIAL = {"RecordType", "event", "type", "events", "event-data", "Type"}
#: These decide what it means.
DECIDING = ESSENTIAL | {
    *("reason", "severity", "SuppressionReason", "eventType", "notificationType", "Message"),
    *("bounceType", "bounce", "permanent", "data", "delivery-status"),
}
#: And without these nobody can say who booked.
WHO = {"triggerEvent", "event", "type", "payload", "attendees", "email"}


def odd_ones(sample: Any) -> Iterator[tuple[str, Any]]:
    """Yield the sample with one value after another made odd, and the path to each."""
    for path in places(sample):
        for odd in ODD:
            changed = copy.deepcopy(sample)
            *above, last = path
            holder = changed
            for key in above:
                holder = holder[key]
            if odd is not ABSENT:
                holder[last] = odd
            elif isinstance(holder, dict):
                del holder[last]
            named = [str(key) for key in path if isinstance(key, str)]
            yield named[-1] if named else "", changed


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield (*above, key)
        if isinstance(value[key], dict | list):
            yield from places(value[key], (*above, key))


def cases() -> Iterator[tuple[str, str]]:
    for name in sorted(registry()):
        for payload in payloads(name):
            yield name, payload


@pytest.mark.parametrize(("name", "payload"), list(cases()))
def test_an_odd_field_loses_no_event_that_still_names_a_person_and_a_kind(
    name: str, payload: str
) -> None:
    sample = json.loads(payloads(name)[payload])
    right = meanings(name, sample)
    for field, changed in at_least_one(odd_ones(sample)):
        try:
            told = meanings(name, changed)
        except PayloadError as problem:
            assert field in ESSENTIAL, (field, problem)
        else:
            assert field in DECIDING or isinstance(sample, list) or told == right, (field, changed)


@pytest.mark.parametrize("payload", [n for n in payloads("ses") if n != "confirmation"])
def test_an_odd_field_inside_an_amazon_wrapper_loses_no_event(payload: str) -> None:
    sample = json.loads(payloads("ses")[payload])
    right = meanings("ses", sample)
    for field, changed in at_least_one(odd_ones(json.loads(sample["Message"]))):
        told = meanings("ses", sample | {"Message": json.dumps(changed)})
        assert field in DECIDING or set(told) == set(right), (field, changed)


def meanings(name: str, document: Any) -> list[tuple[EventKind | None, bool]]:
    events = registry()[name].parse(json.dumps(document).encode())
    return [(event.kind, event.permanent) for event in events]


@pytest.mark.parametrize("name", ["calendly", "cal", "generic"])
def test_an_odd_field_loses_no_booking_that_still_names_a_person_and_a_kind(name: str) -> None:
    for body in at_least_one(bookings(name).values()):
        sample = json.loads(body)
        right = [in_words(event) for event in booking.registry()[name].parse(body)]
        for field, changed in at_least_one(odd_ones(sample)):
            try:
                told = booking.registry()[name].parse(json.dumps(changed).encode())
            except PayloadError as problem:
                assert field in WHO, (field, problem)
            else:
                moved = field in ("old_invitee", "rescheduled")
                assert field in WHO or moved or [in_words(one) for one in told] == right


def in_words(event: BookingEvent) -> tuple[bool, bool, bool]:
    return event.booked, event.cancelled, event.rescheduled


def parsed(name: str, document: object) -> MailEvent:
    (event,) = registry()[name].parse(json.dumps(document).encode())
    return event


def test_opt_outs_and_bounces_count_without_a_time() -> None:
    no = {"RecordType": "Bounce", "Type": "Unsubscribe", "ID": 1, "Email": "ann@example.org"}
    told = parsed("postmark", no)
    assert (told.kind, told.recipient, told.occurred_at) == (
        EventKind.UNSUBSCRIBED,
        "ann@example.org",
        None,
    )
    bounce = {"event": "hard_bounce", "email": "ann@example.org", "date": "2026-03-02 09:31:05"}
    told = parsed("brevo", bounce)
    assert (told.kind, told.permanent, told.occurred_at) == (EventKind.BOUNCED, True, None)
    later = parsed("brevo", bounce | {"date": "2026-04-02 09:31:05"})
    assert later.event_id != told.event_id


@pytest.mark.parametrize("count", ["1772440265123", 1772440265123, "1772440265.123"])
def test_a_timestamp_written_as_text_is_read(count: object) -> None:
    told = parsed("brevo", {"event": "delivered", "email": "ann@example.org", "ts_epoch": count})
    assert told.occurred_at == datetime(2026, 3, 2, 8, 31, 5, 123000, UTC)


def test_a_plain_text_note_from_amazon_is_kept_without_a_meaning() -> None:
    note = "Successfully validated SNS topic for Amazon SES event publishing."
    told = parsed("ses", {"Type": "Notification", "MessageId": "m1", "Message": note})
    assert (told.kind, told.event_id, told.raw) == (
        None,
        "m1",
        {"Type": "Notification", "MessageId": "m1"},
    )


@pytest.mark.parametrize("headers", [None, [], {}, "odd"])
def test_a_message_is_found_by_its_tag_if_amazon_omits_the_headers(headers: object) -> None:
    mail = {"destination": ["ann@example.org"], "headers": headers, "tags": {"nurture": ["7-c0de"]}}
    event = {"eventType": "Delivery", "mail": mail, "delivery": {}}
    wrapped = {"Type": "Notification", "MessageId": "m1", "Message": json.dumps(event)}
    assert parsed("ses", wrapped).message_id == "7.c0de"


@pytest.mark.parametrize("headers", [[], None, "odd"])
def test_a_message_is_found_by_its_variable_if_mailgun_omits_the_headers(
    headers: object,
) -> None:
    sample = json.loads(payloads("mailgun")["failed_permanent"])
    sample["event-data"] |= {
        "message": {"headers": headers},
        "reason": {"odd": "reason"},
        "user-variables": {"nurture_message_id": "7.c0de@example.org"},
    }
    told = parsed("mailgun", sample)
    assert (told.kind, told.message_id) == (EventKind.BOUNCED, "7.c0de@example.org")


@pytest.mark.parametrize("name", ["sendgrid", "brevo", "generic", "postmark", "mailgun", "resend"])
def test_a_single_event_is_read_like_a_list_of_one(name: str) -> None:
    body = json.loads(next(iter(payloads(name).values())))
    wrapper = {"generic": "events", "mailgun": "event-data"}.get(name)
    events = body[wrapper] if wrapper else body
    one = events[0] if isinstance(events, list) else events
    alone, listed = ({wrapper: one}, {wrapper: [one]}) if wrapper else (one, [one])
    assert parsed(name, alone) == parsed(name, listed)


def test_a_moved_booking_without_a_uid_is_identified_by_the_booking_it_replaces() -> None:
    moved = {
        "triggerEvent": "BOOKING_RESCHEDULED",
        "createdAt": "2026-03-03T09:00:00.000Z",
        "payload": {"uid": None, "rescheduleUid": "b1", "attendees": [{"email": "a@example.org"}]},
    }
    (told,) = booking.registry()["cal"].parse(json.dumps(moved).encode())
    assert (told.booked, told.email) == (True, "a@example.org")
    assert told.event_id == "BOOKING_RESCHEDULED b1 2026-03-03T09:00:00.000Z 1"


def test_an_attendee_without_an_address_does_not_affect_the_others() -> None:
    sample = json.loads(bookings("cal")["created"])
    sample["payload"]["attendees"] = [
        {"name": "By telephone", "email": None},
        None,
        {"email": "Ann <ann@example.org>"},
    ]
    told = booking.registry()["cal"].parse(json.dumps(sample).encode())
    assert "ann@example.org" in [event.email for event in told]


def test_the_bookers_own_answer_counts_if_no_attendee_is_listed() -> None:
    sample = json.loads(bookings("cal")["created"])
    sample["payload"] |= {"attendees": [], "responses": {"email": {"value": "ann@example.org"}}}
    (told,) = booking.registry()["cal"].parse(json.dumps(sample).encode())
    assert told.email == "ann@example.org"
