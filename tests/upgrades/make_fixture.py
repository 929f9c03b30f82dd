"""Fill a database with people in every state. Run with the OLD version, not with this one.

See the README beside it. Run in a checkout of the old commit, whose services, pages and commands
do everything; the databases and what was observed about them are written to the given folder.
"""

import base64
import gzip
import json
import multiprocessing
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
from asyncio import Transport
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from old_world import A_BROWSER, Sink, World, at
from sqlalchemy.engine import make_url

from nurture.domain.audience.conditions import Did, Segment
from nurture.domain.subscribers.consent import Evidence
from nurture.domain.tracking.events import EventKind
from nurture.services.delivery import pause
from nurture.services.owner import practice, security, sessions
from nurture.services.publishing import email_editor, guides, segment_editor, sequence_editor
from nurture.services.publishing.studio import publish_email
from nurture.services.subscribers import on_behalf
from nurture.store.migrate import migrate
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation, calendly_call
from tests.servers.databases import PostgresDatabases
from tests.servers.postgres import find_programs, postgres_server

NOW = datetime(2026, 9, 30, 9, tzinfo=UTC)
OWNER, PASSWORD = "owner@example.org", "gently moving again"
PDF = b"%PDF-1.7\n1 0 obj<</Type /Page>>endobj\nan uploaded guide\n%%EOF\n"
#: The page of a guide that is collected while these boxes are ticked.
ALL = {"tracking": True, "health_topics": True}


def spring_and_summer(world: World) -> None:
    """Play the people who have finished by now, one way or another."""
    for name in ("silent", "stayed", "let-go"):
        world.come(name)
    world.home.collect(1)
    world.home.collect(2)
    world.until(datetime(2026, 3, 24, 9, tzinfo=UTC))
    world.come_in("asked")
    world.until(datetime(2026, 6, 1, 9, tzinfo=UTC))
    world.come_in("finished", tracking=True)
    world.come_in("golfer", "over-50-guide", tracking=True)
    world.come_in("again")
    world.until(datetime(2026, 7, 1, 9, tzinfo=UTC))
    _read_about_golf(world)
    world.until(datetime(2026, 7, 3, 9, tzinfo=UTC))
    pause.pause(*world.kept, "golf", world.home.clock.now)
    world.until(datetime(2026, 8, 28, 9, tzinfo=UTC))
    world.look("finished", "c")
    world.judged()
    world.until(datetime(2026, 9, 10, 10, 30, tzinfo=UTC))
    world.confirm("stayed")


def _read_about_golf(world: World) -> None:
    for _ in range(2):
        for mail in world.sink.mails_to(at("golfer")):
            text = mail.message.get_body(("html",)).get_content()
            for link in re.findall(r"https://emails\.example\.org(/c/[A-Za-z0-9_.-]+)", text):
                world.home.client.get(link, headers={"User-Agent": A_BROWSER})
                world.home.clock.advance(timedelta(minutes=3))
        world.judged()


def september(world: World) -> None:
    """Play the people who are mid-sequence, and their requests."""
    home = world.home
    for name in ("midway", "paused", "owner-paused", "fewer", "taken-out", "booked", "cancelled"):
        world.come_in(name)
    for name in ("tracked", "untracked", "held", "bounced", "soft", "complained"):
        world.come_in(name, **ALL)
    for name in ("unsubscribed", "owner-stopped", "resubscribed", "erased", "forgotten"):
        world.come_in(name)
    for name in ("data", "erasing", "doubt", "both"):
        world.come_in(name)
    world.come_in("both", "over-50-guide")
    world.until(datetime(2026, 9, 21, 9, tzinfo=UTC))
    _choose(world)
    _be_told(world)
    _read(world)
    world.until(datetime(2026, 9, 22, 9, tzinfo=UTC))
    world.press("erased", "preferences", ask="erasure")
    home.deliver()
    world.confirm("erased")
    world.run("forget", at("forgotten"), "--yes")
    world.come("again")
    world.come("reminded")
    world.sink.instead[at("doubt")] = hang_up
    world.until(datetime(2026, 9, 29, 9, tzinfo=UTC))
    world.come("waiting")
    world.come_in("collected", **ALL)


def _choose(world: World) -> None:
    home, kept, now = world.home, world.kept, world.home.clock.now
    world.press("paused", "preferences", frequency="paused")
    world.press("fewer", "preferences", frequency="fewer")
    world.press("untracked", "preferences", frequency="usual")
    world.press("unsubscribed", "unsubscribe", **{"List-Unsubscribe": "One-Click"})
    world.press("resubscribed", "unsubscribe")
    world.press("resubscribed", "unsubscribe", undo="1")
    on_behalf.pause(
        home.context.database, world.number("owner-paused"), now + timedelta(days=20), now
    )
    on_behalf.take_out(home.context.database, world.number("taken-out"), "pain-guide", now)
    evidence = Evidence("https://emails.example.org/studio", "192.0.2.9", A_BROWSER)
    on_behalf.stop_everything(*kept, world.number("owner-stopped"), evidence, now)


def _be_told(world: World) -> None:
    world.tell("bounced", "bounced", "e1", permanent=True, reason="550 5.1.1 No such user")
    world.tell("soft", "bounced", "e2", permanent=False, reason="452 4.2.2 Mailbox full")
    world.tell("complained", "complained", "e3")
    world.tell("midway", "delivered", "e4")
    world.tell("midway", "teleported", "e5")
    for event, name, number in (
        ("invitee.created", "booked", "1"),
        ("invitee.created", "cancelled", "2"),
        ("invitee.created", "booked-first", "3"),
        ("invitee.canceled", "cancelled", "2"),
    ):
        assert calendly_call(world.home, event, at(name), number).status_code == 204
        world.home.clock.advance(timedelta(minutes=1))
    assert (
        calendly_call(world.home, "invitee.created", at("x"), "4", secret="wrong").status_code
        == 401
    )
    assert world.home.client.post("/webhooks/signup/pain-guide", json={}).status_code == 401
    world.come("booked-first")


def _read(world: World) -> None:
    world.look("tracked", "o")
    world.look("tracked", "c", times=2)
    world.look("untracked", "c", agent="python-requests/2.32")
    world.judged()


def studio(world: World) -> None:
    """Do the owner's work: an account, emails, guides, plans, segments, facts."""
    context, now = world.home.context, world.home.clock.now
    database = context.database
    signed = sessions.set_first_password(
        database, sessions.make_link(database, OWNER, now), PASSWORD, now
    )
    security.offer_codes(database, signed.owner)
    secret = security.get_account(database, signed.owner).pending_secret
    assert secret
    code = TOTP(base64.b32decode(secret), 6, SHA1(), 30).generate(int(now.timestamp())).decode()
    signed, _ = security.take_on_codes(database, signed.owner, code, now)
    world.seen |= {"session": signed.identifier, "secret": secret}
    sessions.make_link(database, at("second-owner"), now)
    _write(world, now)
    uploaded = world.home.directory / "upload.pdf"
    uploaded.write_bytes(PDF)
    guides.upload_guide(database, "pain-guide", "my-guide.pdf", uploaded, OWNER, now)
    sequence_editor.change_step(
        database, "over-50-guide", 0, "stronger-over-60", {"wait": "4 days"}, now
    )
    segment_editor.save(*world.kept, Segment("", "Twice", "", Did(EventKind.CLICKED, times=2)), now)
    facts = practice.read_facts(database)
    practice.save_facts(database, facts | {"booking_url": "https://book.example.org/"}, now)


def _write(world: World, now: datetime) -> None:
    database = world.home.context.database
    for key, is_published in (
        ("pain-guide/german-approach-to-back-pain", True),
        ("pain-guide/muscle-activation-podcast", False),
    ):
        found = email_editor.find_editing(database, key)
        assert found
        written = found.written.__class__(
            found.written.format, found.written.content + "\n\nThe owner's own line.\n", ""
        )
        if is_published:
            publish_email(database, key, written, now)
        else:
            email_editor.save_draft(database, key, written, found.version or 0, now)


def the_last_day(world: World) -> None:
    """Do what is unfinished at the moment of the copy."""
    home = world.home
    world.until(NOW - timedelta(days=1))
    studio(world)
    world.press("data", "preferences", ask="data")
    world.press("erasing", "preferences", ask="erasure")
    home.deliver()
    world.until(NOW - timedelta(minutes=1))
    world.sink.greylist(at("deferred"), times=10)
    world.come("deferred")
    world.sink.instead[at("guide-doubt")] = hang_up
    world.come("guide-doubt")
    _kill(world, "guide-killed")
    home.clock.set(NOW)
    world.look("held", "c")
    home.fold()


def hang_up(server: Any) -> None:
    """Drop the connection, so that the outcome of the email is unknown."""
    transport = server.transport
    assert isinstance(transport, Transport)
    transport.abort()


def _kill(world: World, name: str) -> None:
    """Kill their worker while it waits for the answer."""
    home = world.home
    home.subscribe(at(name), first_name="Killed")
    worker = multiprocessing.get_context("fork").Process(target=_deliver_apart, args=(home,))
    world.sink.instead[at(name)] = lambda _: os.kill(worker.pid or 0, signal.SIGKILL)
    worker.start()
    worker.join(60)
    assert worker.exitcode == -signal.SIGKILL


def _deliver_apart(home: Installation) -> None:
    own = Installation(home.url, home.directory, home.clock, home.smtp_url)
    own.deliver()
    os._exit(0)


def witness(world: World) -> dict[str, Any]:
    """Return what the old version says about everyone, and what it has sent."""
    people = sorted(
        row["address"] for row in world.home.rows(subscribers) if row["address"] is not None
    )
    gone = [at("erased"), at("forgotten"), at("let-go")]
    mails = [
        {
            "to": mail.recipients[0],
            "subject": str(mail.message["Subject"]),
            "message_id": str(mail.message["Message-ID"]),
            "links": _links(mail),
        }
        for mail in world.sink.mails
    ]
    return world.seen | {
        "now": NOW.isoformat(),
        "gone": gone,
        "why": {who: json.loads(world.run("why", who, "--json")) for who in people},
        "export": {who: json.loads(world.run("export-person", who)) for who in people},
        "status": json.loads(world.run("status", "--json")),
        "mails": mails,
    }


def _links(mail: Any) -> dict[str, str]:
    text = mail.message.get_body(("html",)).get_content()
    found = re.findall(r"https://emails\.example\.org/(\w+)/([A-Za-z0-9_.-]+)", text)
    return {kind: f"/{kind}/{token}" for kind, token in reversed(found)}


def fill(url: str, directory: Path) -> dict[str, Any]:
    with Sink() as sink:
        world = World(url, directory, sink)
        spring_and_summer(world)
        september(world)
        the_last_day(world)
        found = witness(world)
        world.home.close()
    return found


def on_sqlite(directory: Path, into: Path) -> None:
    file = directory / "nurture.db"
    migrate(f"sqlite:///{file}")
    keep(into / "sqlite.json.gz", json.dumps(fill(f"sqlite:///{file}", directory), indent=1))
    with sqlite3.connect(file) as connection:
        keep(into / "sqlite.sql.gz", "\n".join(connection.iterdump()) + "\n")


def on_postgresql(directory: Path, into: Path) -> None:
    with (
        postgres_server(directory / "postgres") as server,
        PostgresDatabases(server, migrate) as databases,
        databases.fresh() as url,
    ):
        keep(into / "postgresql.json.gz", json.dumps(fill(url, directory), indent=1))
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        dump = [find_programs() / "pg_dump", "--inserts", "--no-owner", "--no-privileges", plain]
        said = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
        keep(into / "postgresql.sql.gz", "".join(filter(_is_sql, said.splitlines(keepends=True))))


def _is_sql(line: str) -> bool:
    """Return whether a line is SQL for any client, rather than a client's own command."""
    return not line.startswith(("\\", "SET "))


def keep(file: Path, text: str) -> None:
    """Write text compressed, giving the same bytes for the same text."""
    file.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    into = Path(sys.argv[1])
    each: dict[str, Callable[[Path, Path], None]] = {
        "sqlite": on_sqlite,
        "postgresql": on_postgresql,
    }
    for name in sys.argv[2:] or each:
        with tempfile.TemporaryDirectory() as scratch:
            each[name](Path(scratch), into)
