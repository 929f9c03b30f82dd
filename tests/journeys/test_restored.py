"""A machine is lost and its backup restored: nobody who opted out is emailed, and nobody twice."""

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from nurture.domain.subscribers.consent import Evidence
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.backup import withdrawals
from nurture.services.subscribers import erasure, preferences
from nurture.services.subscribers.suppression import suppress_address
from nurture.store.tables.instance import RESTORING, arm
from nurture.store.tables.messages import messages
from tests.installation import Installation
from tests.machines import backed_up, command, restored
from tests.servers.smtp import SmtpSink

WANT = ("ann", "bea", "cem", "dan", "eve", "fay")


class Lost(NamedTuple):
    """A lost machine's installation, its backup, and what had been accepted by then."""

    home: Installation
    file: Path
    words: Path
    accepted: set[tuple[int, str]]


@pytest.fixture
def lost(sqlite_home: Installation, tmp_path: Path) -> Lost:
    """Six people mid-sequence.

    After the backup, `a` unsubscribes, `b` is erased, `c` complains, and `d` gets an email.
    """
    home, folder = sqlite_home, tmp_path / "backups"
    home.settings = {"NURTURE_BACKUP_URL": str(folder)}
    home.__dict__.pop("context").database.close()
    for name in WANT:
        home.subscribe(f"{name}@example.org", first_name=name.title())
    home.deliver()
    for number in range(1, 6):
        home.collect(number)
    folder.mkdir()
    accepted = {(m["enrolment_id"], m["step"]) for m in home.rows(messages)}
    file, words = backed_up(home, folder)
    _say_no(home)
    home.live(days=4)
    withdrawals.copy_out(home.context.database, home.context.backup_setup.journal, home.clock.now)
    home.close()
    return Lost(home, file, words, accepted)


def _say_no(home: Installation) -> None:
    context, now = home.context, home.clock.now
    numbers = {name: home.person(f"{name}@example.org")["id"] for name in ("ann", "bea", "cem")}
    args = (context.database, context.catalogue, numbers["ann"], None, Evidence(), now)
    preferences.unsubscribe(*args)
    # Someone of whom the backup knows nothing.
    home.subscribe("gus@example.org")
    gus = home.person("gus@example.org")["id"]
    preferences.unsubscribe(context.database, context.catalogue, gus, None, Evidence(), now)
    with context.database.writing() as connection:
        of_cem = home.context.tokens.address_hash("cem@example.org")
        complained = SuppressionReason.COMPLAINED
        suppress_address(connection, numbers["cem"], of_cem, "", now, complained)
    erasure.forget(context.database, context.files, numbers["bea"], now)


def test_a_restore_emails_nobody_who_opted_out_and_sends_nothing_twice(
    lost: Lost, smtp_sink: SmtpSink
) -> None:
    home, file, words, accepted = lost
    other, result = restored(home, file, words)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["withdrawn_again"].keys() >= {"unsubscribed", "erased", "complained"}
    assert {one["email"] for one in said["held"]} == {f"{n}@example.org" for n in WANT[3:]}
    assert "There is nobody" in command(other, "why", "bea@example.org").output
    other.subscribe("gus@example.org")
    before = len(smtp_sink.mails)
    other.live(days=1)
    assert len(smtp_sink.mails) == before
    assert command(other, "arm").exit_code == 0
    assert command(other, "held", "drop", "dan@example.org").exit_code == 0
    assert command(other, "held", "release", "--all").exit_code == 0
    other.live(days=30)
    to = Counter(mail.recipients[0] for mail in smtp_sink.mails[before:])
    assert not {f"{name}@example.org" for name in ("ann", "bea", "cem", "gus")} & to.keys()
    [of_dan] = [set(one["steps"]) for one in said["held"] if one["email"] == "dan@example.org"]
    assert of_dan and to["dan@example.org"]
    assert not of_dan & {step for step, _ in other.statuses("dan@example.org")}
    assert of_dan <= {step for step, _ in other.statuses("eve@example.org")}
    sent_now = [m for m in other.rows(messages) if m["claimed_at"] > home.clock.now]
    assert not accepted & {(m["enrolment_id"], m["step"]) for m in sent_now}
    other.close()


def test_an_interrupted_restore_cannot_be_armed(sqlite_home: Installation) -> None:
    with sqlite_home.context.database.writing() as connection:
        arm(connection, RESTORING, sqlite_home.clock.now)
    assert sqlite_home.deliver() == 0
    result = command(sqlite_home, "arm")
    assert result.exit_code == 1 and "broken off" in result.output
