"""The witness outside the database notices when a backup replaces the original."""

import sqlite3
from datetime import timedelta
from pathlib import Path

from nurture.files.witness import Witness
from nurture.services.delivery import batch
from nurture.services.reports import status
from tests.installation import Installation
from tests.servers.smtp import SmtpSink

ANN, BOB = "ann@example.org", "bob@example.org"


def test_a_backup_restored_over_the_original_sends_nothing_until_armed(
    sqlite_home: Installation, smtp_sink: SmtpSink, tmp_path: Path
) -> None:
    home, context = sqlite_home, sqlite_home.context
    home.subscribe(ANN)
    home.subscribe(BOB)
    backup = tmp_path / "backup.db"
    with sqlite3.connect(str(context.database.engine.url.database)) as original:
        original.backup(sqlite3.connect(backup))
    home.deliver()
    assert len(smtp_sink.mails) == 2

    with sqlite3.connect(backup) as copy:
        copy.backup(sqlite3.connect(str(context.database.engine.url.database)))
    home.clock.advance(timedelta(hours=1))
    batch.deliver_batch(context.dispatch)
    assert len(smtp_sink.mails) == 2
    now = home.clock.now
    assert not status.status(context.database, context.fingerprint, context.witness, now)["armed"]

    status.arm(context.database, context.fingerprint, context.witness, now)
    home.deliver()
    assert len(smtp_sink.mails) == 4


def test_a_witness_never_forgets_the_furthest_state_it_saw(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "not" / "yet" / "there")
    assert witness.seen() == 0
    witness.note(7)
    witness.note(3)
    assert Witness(tmp_path / "not" / "yet" / "there").seen() == 7
