"""Emails sent between a backup and its restore: their links never open another person's page."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from nurture.domain.subscribers.consent import Purpose
from nurture.domain.tracking.events import EventKind
from nurture.services.backup import withdrawals
from nurture.services.backup.held import count_held, list_held
from nurture.signatures import sign_standard_webhook
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from tests.installation import BASE_URL, MAIL_SECRET, Installation, as_json
from tests.machines import backed_up, command, restored
from tests.presence import at_least_one
from tests.servers.databases import empty_postgresql
from tests.servers.smtp import Mail, SmtpSink

ANN, GUS, HAL = "ann@example.org", "gus@example.org", "hal@example.org"
NEW = tuple(f"new{n}@example.org" for n in range(6))
FOLLOWED = (Purpose.TRACKING,)


@pytest.fixture(params=["sqlite", "postgresql"])
def other_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
    else:
        with empty_postgresql(request.getfixturevalue("postgres_url")) as url:
            yield url


def lost_machine(home: Installation, folder: Path) -> tuple[Path, Path]:
    """A machine lost after a backup, and what happened in between.

    Ann is backed up mid-sequence; afterwards she gets an article, and Gus and Hal sign up.
    """
    folder.mkdir()
    home.settings = {"NURTURE_BACKUP_URL": str(folder)}
    home.__dict__.pop("context").database.close()
    home.subscribe_followed(ANN)
    home.deliver()
    home.collect(1)
    file, words = backed_up(home, folder)
    home.clock.advance(timedelta(hours=1))
    for address in (GUS, HAL):
        home.subscribe_followed(address)
    home.deliver()
    home.collect(2)
    home.live(days=4)
    home.close()
    return file, words


def addresses_in(mail: Mail) -> dict[str, str]:
    """Return the path and query of each kind of link to us."""
    part = mail.message.get_body(("html",))
    assert part is not None
    found = re.findall(rf"{re.escape(BASE_URL)}(/(\w+)/[\w.?=-]+)", part.get_content())
    return {kind: path for path, kind in found}


def tell(home: Installation, kind: EventKind, message_id: str, recipient: str | None) -> None:
    """Make the provider's signed call about one of the lost machine's emails."""
    event = {"type": kind, "message_id": message_id, "recipient": recipient, "permanent": True}
    body = as_json({"events": [event | {"occurred_at": home.clock.now.isoformat()}]})
    headers = sign_standard_webhook(MAIL_SECRET, "m", home.clock.now, body)
    answer = home.client.post("/webhooks/mail/generic", data=body, headers=headers)
    assert answer.status_code == 204, answer.text


def test_a_link_from_the_gap_opens_nobody_elses_page_and_its_opt_out_counts(
    sqlite_home: Installation, smtp_sink: SmtpSink, tmp_path: Path, other_url: str
) -> None:
    home = sqlite_home
    said_at = home.clock.now + timedelta(hours=1)
    file, words = lost_machine(home, tmp_path / "backups")
    of_gap = {a: [m for m in smtp_sink.mails if m.recipients == (a,)] for a in (GUS, HAL)}
    assert len(of_gap[GUS]) >= 2
    other, result = restored(home, file, words, other_url)
    assert result.exit_code == 0, result.output
    for address in NEW:
        other.subscribe_followed(address)
    assert command(other, "arm").exit_code == 0
    assert other.deliver() == len(NEW)
    before = [other.rows(table) for table in (subscribers, enrolments, messages, events)]
    assert {"o", "c"} < {kind for mail in of_gap[GUS] for kind in addresses_in(mail)}
    for mail in at_least_one([*of_gap[GUS], *of_gap[HAL]]):
        links = addresses_in(mail)
        assert {"preferences", "unsubscribe", "o"} < links.keys()
        for kind in at_least_one(links.keys() & {"guide", "preferences"}):
            for answer in (other.client.get(links[kind]), other.client.post(links[kind])):
                assert answer.status_code == 404
                assert "ask for the guide once more" in " ".join(answer.text.split())
        tracked = {
            kind: other.client.get(links[kind]).status_code for kind in {*links} & {"o", "c"}
        }
        assert tracked in ({"o": 200}, {"o": 200, "c": 302})
        assert other.client.get(links["unsubscribe"]).status_code == 200
        tell(other, EventKind.BOUNCED, mail.message["Message-ID"], recipient=None)
    other.fold()
    other.judge()
    after = [other.rows(table) for table in (subscribers, enrolments, messages)]
    assert after == before[:3]
    assert all(row["message_id"] is None for row in at_least_one(other.rows(events)))
    one_click = addresses_in(of_gap[GUS][0])["unsubscribe"]
    answer = other.client.post(one_click, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert other.rows(subscribers) == before[0]
    for address in (GUS, HAL):
        other.subscribe(address, said_at=said_at)
    known = {row["address"] for row in other.rows(subscribers)}
    assert GUS not in known
    assert HAL in known
    held = json.loads(command(other, "held", "list", "--json").stdout)
    assert {one["email"]: one["brought_back"] for one in held} == {ANN: False, HAL: True}
    other.close()


def test_an_opt_out_on_a_machine_lost_before_its_first_backup_is_respected(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    home = sqlite_home
    file, words = lost_machine(home, tmp_path / "backups")
    second, _ = restored(home, file, words)
    command(second, "arm")
    second.clock.advance(timedelta(minutes=5))
    second.press(f"/unsubscribe/{second.context.tokens.unsubscribe(1, 1)}")
    withdrawals.copy_out(
        second.context.database, second.context.backup_setup.journal, second.clock.now
    )
    second.close()
    third, result = restored(home, file, words, directory=tmp_path / "third")
    assert json.loads(result.stdout)["withdrawn_again"]["unsubscribed"] == 1
    assert Purpose.SERIES not in third.person(ANN)["purposes"]
    third.close()


@pytest.mark.parametrize(
    "line",
    [b'{"n": 1, "hash": "ab\n', b"\0\0\0\0\n", b"7\n", b'{"n":1,"hash":"a","kind":"sulked",'
     b'"at":"2026-03-02T09:00:00+00:00","noted":"2036-03-02T09:00:00+00:00"}\n'],
)  # fmt: skip
def test_an_unreadable_withdrawals_journal_stops_the_restore_in_one_line(
    sqlite_home: Installation, tmp_path: Path, line: bytes
) -> None:
    folder = tmp_path / "backups"
    file, words = lost_machine(sqlite_home, folder)
    [journal] = [*folder.glob("withdrawals-*")] or [folder / "withdrawals-other.jsonl"]
    with journal.open("ab") as kept:
        kept.write(line)
    other, result = restored(sqlite_home, file, words)
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    assert not (other.directory / "var/nurture.db").exists()


def test_an_old_link_unsubscribes_a_person_who_signed_up_again_after_the_restore(
    sqlite_home: Installation, smtp_sink: SmtpSink, tmp_path: Path
) -> None:
    home = sqlite_home
    said_at = home.clock.now + timedelta(hours=1)
    file, words = lost_machine(home, tmp_path / "backups")
    [first, *_] = [m for m in smtp_sink.mails if m.recipients == (HAL,)]
    other, _ = restored(home, file, words)
    other.subscribe(HAL, said_at=said_at)
    command(other, "arm")
    command(other, "held", "release", "--all")
    header = urlsplit(first.message["List-Unsubscribe"].strip("<>"))
    for link in (addresses_in(first)["unsubscribe"], f"{header.path}?{header.query}"):
        assert other.client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    before = len(smtp_sink.mails)
    other.live(days=30)
    assert all(mail.recipients != (HAL,) for mail in at_least_one(smtp_sink.mails[before:]))
    assert other.client.post(addresses_in(first)["unsubscribe"] + "x").status_code == 200
    other.close()


def test_an_email_the_provider_says_was_delivered_in_the_gap_is_not_sent_again(
    sqlite_home: Installation, smtp_sink: SmtpSink, tmp_path: Path
) -> None:
    home = sqlite_home
    file, words = lost_machine(home, tmp_path / "backups")
    [article] = [m for m in smtp_sink.mails if m.recipients == (ANN,)][1:2]
    other, _ = restored(home, file, words)
    context = other.context
    [held] = list_held(context.database, context.catalogue, other.clock.now)
    assert held.address == ANN
    tell(other, EventKind.DELIVERED, article.message["Message-ID"], recipient=ANN)
    assert count_held(context.database) == (1 if len(held.steps) > 1 else 0)
    assert command(other, "arm").exit_code == 0
    before = len(smtp_sink.mails)
    command(other, "held", "release", "--all")
    other.live(days=30)
    again = [m.message["Subject"] for m in smtp_sink.mails[before:] if m.recipients == (ANN,)]
    assert again
    assert article.message["Subject"] not in again
    other.close()


def test_a_delivery_without_a_step_mark_settles_a_single_held_step_or_gives_a_hint(
    sqlite_home: Installation, smtp_sink: SmtpSink, tmp_path: Path
) -> None:
    home = sqlite_home
    file, words = lost_machine(home, tmp_path / "backups")
    [article] = [m for m in smtp_sink.mails if m.recipients == (ANN,)][1:2]
    without_mark = re.sub(r"@s\w{10}\.", "@", article.message["Message-ID"])
    assert without_mark != article.message["Message-ID"]
    home.clock.advance(timedelta(days=9))
    other, _ = restored(home, file, words)
    context = other.context
    [before] = list_held(context.database, context.catalogue, other.clock.now)
    assert len(before.steps) > 1
    tell(other, EventKind.DELIVERED, without_mark, recipient=ANN)
    [after] = list_held(context.database, context.catalogue, other.clock.now)
    assert (after.steps, after.delivered) == (before.steps, 1)
    said = command(other, "held", "list").stdout
    assert "1 of that machine’s emails reached them" in said
    other.close()
