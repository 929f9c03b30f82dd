"""Old events from providers and calendars are trimmed like new ones, and nothing else is."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from nurture import booking
from nurture.mail.providers import registry
from nurture.services.inbound.events import UNKNOWN
from nurture.store.database import Database
from nurture.store.migrate import _config, migrate
from tests.booking.calendar_calls import payloads as bookings
from tests.mail.provider_calls import payloads
from tests.presence import at_least_one

NOW = datetime(2026, 3, 2, 8, 31, 5, tzinfo=UTC)
CUT = "0011"


def before_the_cut(url: str) -> Database:
    """A database just before that migration."""
    config = _config(url)
    script = ScriptDirectory.from_config(config).get_revision(CUT)
    assert script is not None and isinstance(script.down_revision, str)
    command.upgrade(config, script.down_revision)
    return Database(url)


def add_event(database: Database, source: str, key: str, kind: str, raw: Any) -> None:
    added = (
        "INSERT INTO events (kind, happened_at, source, source_key, raw) "
        "VALUES (:k, :t, :s, :n, :r)"
    )
    values = {"k": kind, "t": NOW.replace(tzinfo=None), "s": source, "n": f"{source}:{key}"}
    with database.writing() as connection:
        raw = json.dumps(raw, ensure_ascii=False)
        connection.execute(text(added), values | {"r": raw})


def raws(database: Database) -> list[Any]:
    with database.reading() as connection:
        found = connection.execute(text("SELECT raw FROM events ORDER BY id")).scalars()
        return [None if raw is None else json.loads(raw) for raw in found]


def told_before() -> Iterator[tuple[str, str, str, Any, Any]]:
    """Yield source, key, kind, the payload as stored then, and what the program stores now."""
    for name, provider in registry().items():
        for body in payloads(name).values():
            whole = [value for value, _ in provider.split(body)]
            for event in provider.parse(body):
                inner = json.loads(body)
                raw = whole.pop(0) if name in ("sendgrid", "brevo", "generic", "mailgun") else inner
                if name == "ses" and "{" in inner["Message"]:
                    raw = json.loads(inner["Message"])
                yield name, event.event_id, str(event.kind or UNKNOWN), raw, event.raw
    for name in ("calendly", "cal", "generic"):
        for body in bookings(name).values():
            (said,) = booking.registry()[name].parse(body)
            kind = "booked" if said.booked else "cancelled" if said.cancelled else UNKNOWN
            kind = "rescheduled" if said.rescheduled else kind
            yield name, said.event_id, kind, json.loads(body), said.raw


def test_an_old_payload_is_reduced_like_a_new_one(empty_url: str) -> None:
    database = before_the_cut(empty_url)
    told = [one for one in told_before() if one[0] != "resend"]
    for source, key, kind, raw, _ in told:
        add_event(database, source, key, kind, raw)
    migrate(empty_url)
    for (source, _, kind, _, wanted), kept in at_least_one(zip(told, raws(database), strict=True)):
        assert kept == wanted, (source, kind)
    database.close()


def test_the_migration_leaves_no_personal_data_in_the_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    database = before_the_cut(url)
    for number in range(2500):
        secret = f"MARKER-{number} " * 40
        payload = {"email": f"MARKER-{number}@example.org", "name": secret, "questions": [secret]}
        said = {"event": "invitee.created", "payload": payload}
        add_event(database, "calendly", f"MARKER-{number}@example.org", "booked", said)
    reason = "550 <MARKER@example.org> https://x.example/?MARKER"
    with database.writing() as connection:
        connection.execute(
            text(
                "INSERT INTO suppressions (address_hash, reason, since, detail)"
                " VALUES ('hash', 'bounced', '2026-03-02', :d)"
            ),
            {"d": reason},
        )
    migrate(url)
    with database.reading() as connection:
        detail = connection.scalar(text("SELECT detail FROM suppressions"))
    database.close()
    assert detail == "550 <M•••@example.org> https://x.example/"
    assert len(raws(database)) == 2500
    database.close()
    for file in at_least_one(tmp_path.iterdir()):
        assert b"MARKER" not in file.read_bytes(), file


def test_the_programs_own_events_are_left_unchanged(empty_url: str) -> None:
    database = before_the_cut(empty_url)
    own = {"until": "2026-03-09T08:00:00+00:00", "note": "by ann@example.org"}
    add_event(database, "studio", "1", "paused", own)
    add_event(database, "hit", "2", "clicked", None)
    add_event(database, "postmark", "3", "bounced", [])
    migrate(empty_url)
    assert raws(database) == [own, None, {}]
    database.close()


@pytest.mark.parametrize("source", ["generic", "cal"])
def test_an_event_repeated_after_the_migration_is_recognised(empty_url: str, source: str) -> None:
    from nurture.services.inbound.events import _source_key

    database = before_the_cut(empty_url)
    add_event(database, source, "ann@example.org-1", "bounced", {"id": "ann@example.org-1"})
    migrate(empty_url)
    with database.reading() as connection:
        key = connection.scalar(text("SELECT source_key FROM events"))
    assert key == _source_key(source, "ann@example.org-1")
    assert "ann" not in str(key)
    database.close()
