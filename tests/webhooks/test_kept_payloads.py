"""Nothing that providers and calendars send is stored beyond what happened."""

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from nurture import booking
from nurture.mail.providers import registry
from nurture.services.profile.timeline import recount
from nurture.services.subscribers import export
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.store.tables.suppressions import suppressions
from tests.booking.calendar_calls import READER
from tests.booking.calendar_calls import SCHEMES as CALENDARS
from tests.booking.calendar_calls import payloads as bookings
from tests.installation import Installation
from tests.mail.provider_calls import (
    Scheme,
    every_scheme,
    payloads,
)
from tests.presence import at_least_one
from tests.servers.clock import ClockFile

#: What people write, and where they are: a word that is found again if it is kept anywhere.
MARKER = "zanzibar"
PERSON = f"{MARKER}.person@example.org"
SAID = f"550 5.1.1 <{PERSON}>: {MARKER}.person is unknown, see https://x.example/?p={MARKER}"

#: Fields with an answer of the mail server's, which is kept without addresses.
ANSWERS = {
    *("reason", "response", "Details", "Description", "description", "message"),
    *("diagnosticCode", "smtpResponse"),
}
#: Fields of captured payloads in which someone wrote something, or that tell where they are.
TELLING = {
    *("name", "first_name", "last_name", "subject", "Subject", "Content", "From", "UserAgent"),
    *("useragent", "user-agent", "ip", "IP", "sending_ip", "url", "link", "OriginalLink", "title"),
    *("answer", "text_reminder_number", "timezone", "cancel_url", "reschedule_url", "location"),
    *("additionalNotes", "phone", "label", "value", "cancellationReason", "Tag"),
    *("client-name", "country", "City", "Name", "Company", "Family", "Platform", "userAgent"),
    *("ipAddress", "category", "organizer", "username", "customInputs", "tracking", "from"),
}


@pytest.fixture(scope="module")
def schemes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Scheme]:
    return every_scheme(tmp_path_factory.mktemp("ses"))


@pytest.fixture
def home(
    database_url: str, tmp_path: Path, clock_file: ClockFile, schemes: Mapping[str, Scheme]
) -> Iterator[Installation]:
    settings = {f"NURTURE_{name.upper()}_SECRET": one.secret for name, one in schemes.items()}
    settings |= {
        "NURTURE_CALENDLY_SECRET": CALENDARS["calendly"].secret,
        "NURTURE_CAL_SECRET": CALENDARS["cal"].secret,
        "NURTURE_BOOKINGS_SECRET": CALENDARS["generic"].secret,
    }
    home = Installation(database_url, tmp_path, clock_file, settings=settings).publish_shipped()
    yield home
    home.close()


def telling(value: Any) -> Any:
    """Return a payload in which every sender included as much as they could."""
    if isinstance(value, list):
        return [telling(item) for item in value]
    if isinstance(value, dict):
        told = {name: _told(name, inner) for name, inner in value.items()}
        return told | {"notes": f"My knee, since {MARKER}", "answers": {MARKER: [MARKER, 7]}}
    return value


def _told(name: str, value: Any) -> Any:
    if name in ANSWERS and isinstance(value, str):
        return SAID
    if name in TELLING and isinstance(value, str):
        return f"{MARKER} {value}"
    if name == "Message" and isinstance(value, str) and value.startswith("{"):
        return json.dumps(telling(json.loads(value)))
    if value == READER:
        return PERSON
    return telling(value)


def bodies(captured: Mapping[str, bytes]) -> Iterator[bytes]:
    for body in captured.values():
        yield json.dumps(telling(json.loads(body))).replace(READER, PERSON).encode()


def tell_everything(home: Installation, schemes: Mapping[str, Scheme]) -> int:
    told = 0
    for name, scheme in at_least_one(schemes.items()):
        for body in at_least_one(bodies(payloads(name))):
            headers, signed = scheme.sign(body, home.clock.now)
            path = f"/webhooks/mail/{name}"
            assert home.client.post(path, data=signed, headers=headers).status_code == 204, body
            told += len(registry()[name].parse(signed))
    for name, calendar in CALENDARS.items():
        for body in at_least_one(bodies(bookings(name))):
            headers = calendar.sign(body, home.clock.now)
            path = f"/webhooks/bookings/{name}"
            assert home.client.post(path, data=body, headers=headers).status_code == 204, body
            told += len(booking.registry()[name].parse(body))
    return told


def test_free_text_from_callers_is_stored_in_no_table_file_or_log(
    home: Installation,
    schemes: Mapping[str, Scheme],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    told = tell_everything(home, schemes)
    assert len(home.rows(events)) == told
    refuse_something(home, schemes)
    for table, rows in at_least_one(home.everything().items()):
        assert [row for row in rows if MARKER in str(row).casefold()] == [], table
    home.close()
    assert MARKER not in caplog.text.casefold()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if MARKER.encode() in path.read_bytes().lower()] == []


def refuse_something(home: Installation, schemes: Mapping[str, Scheme]) -> None:
    """Make calls that are wholly or partly unreadable, and one that is not signed."""
    odd = [{"event": {MARKER: MARKER}, "email": PERSON}, {"event": "bounce", "email": PERSON}]
    for document, status in ((odd, 204), (odd[:1], 422), ({MARKER: MARKER}, 422)):
        headers, body = schemes["sendgrid"].sign(json.dumps(document).encode(), home.clock.now)
        answer = home.client.post("/webhooks/mail/sendgrid", data=body, headers=headers)
        assert answer.status_code == status
    home.client.post("/webhooks/mail/sendgrid", data=MARKER.encode())


def test_bounce_reasons_and_session_times_are_still_reported(
    home: Installation, schemes: Mapping[str, Scheme]
) -> None:
    home.subscribe(PERSON)
    home.deliver()
    context = home.context
    number = context.tokens.message_id(1)
    event = {"events": [{"type": "bounced", "message_id": number, "permanent": True}]}
    event["events"][0] |= {"id": "e1", "recipient": PERSON, "reason": SAID}
    headers, body = schemes["generic"].sign(json.dumps(event).encode(), home.clock.now)
    assert home.client.post("/webhooks/mail/generic", data=body, headers=headers).status_code == 204
    for body in at_least_one(bodies({"created": bookings("calendly")["created"]})):
        headers = CALENDARS["calendly"].sign(body, home.clock.now)
        path = "/webhooks/bookings/calendly"
        assert home.client.post(path, data=body, headers=headers).status_code == 204
    masked = "550 5.1.1 <z•••@example.org>: ••• is unknown, see https://x.example/"
    assert [row["reason"] for row in home.rows(messages)] == [masked]
    assert [row["detail"] for row in home.rows(suppressions)] == [masked]
    record = export.export(context.database, context.catalogue, 1, home.clock.now)
    assert record is not None
    kept = {row["kind"]: row["raw"] for row in record["events"]}
    assert kept["bounced"]["reason"] == masked
    assert kept["booked"]["starts_at"] == "2026-03-09T10:00:00+00:00"
    told = recount(record, {})
    assert any(f"Because {masked}" in chapter.notes for chapter in told)
    assert any(chapter.said == "Booked a session" for chapter in told)
