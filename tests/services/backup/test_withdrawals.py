"""The journal of withdrawals: each opt-out, once, in a file that survives a crash at any byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.archive.journal import JournalFile, WithdrawalJournal, WithdrawalLine
from nurture.domain.sequences.sequence import UNCOLLECTED_FOR
from nurture.domain.subscribers.consent import Evidence
from nurture.domain.subscribers.preferences import PreferenceChange, Wish
from nurture.services.backup import withdrawals
from nurture.services.subscribers import erasure, preferences
from tests.installation import Installation
from tests.servers.clock import ClockFile


def kinds(journal: WithdrawalJournal) -> list[str]:
    return sorted(line.kind for line in journal.lines())


def test_every_kind_of_withdrawal_is_copied_out_once_without_names(home: Installation) -> None:
    context, now = home.context, home.clock.now
    for name in ("ann", "bea", "cem"):
        home.subscribe(f"{name}@example.org")
    home.collect(1, tracking=True)
    journal, no_tracking = context.backup_setup.journal, PreferenceChange(Wish.USUAL, False, False)
    preferences.change_preferences(
        context.database, context.catalogue, 1, no_tracking, Evidence(), now
    )
    preferences.unsubscribe(context.database, context.catalogue, 1, None, Evidence(), now)
    erasure.forget(context.database, context.files, 2, now)
    home.clock.advance(UNCOLLECTED_FOR)
    home.upkeep()
    assert withdrawals.to_copy(context.database, journal) > 0
    copied = withdrawals.copy_out(context.database, journal, now)
    assert kinds(journal) == [
        *("consent:guide", "consent:series:pain-guide", "consent:tracking", "erased"),
        *("let_go", "let_go", "unsubscribed"),
    ]
    assert copied == 7
    assert withdrawals.copy_out(context.database, journal, now) == 0
    assert isinstance(journal, JournalFile)
    assert b"example.org" not in journal.path.read_bytes()
    assert oct(journal.path.stat().st_mode & 0o777) == "0o600"


@given(cut=st.integers(0, 400))
def test_a_torn_line_is_written_again(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("journal") / "withdrawals.jsonl"
    now = ClockFile(path.with_name("clock")).now
    lines = [WithdrawalLine(n, f"hash {n}", "unsubscribed", now, now) for n in range(1, 5)]
    journal = JournalFile(path)
    journal.append(lambda last: lines[last:])
    path.write_bytes(path.read_bytes()[:-cut] if cut else path.read_bytes())
    journal.append(lambda last: lines[last:])
    assert list(journal.lines()) == lines
    assert journal.last_number() == 4


def test_a_database_behind_its_journal_is_copied_out_from_the_beginning(
    sqlite_home: Installation,
) -> None:
    home, now = sqlite_home, sqlite_home.clock.now
    journal = home.context.backup_setup.journal
    journal.append(lambda _: [WithdrawalLine(99, "of before", "unsubscribed", now, now)])
    home.subscribe("ann@example.org")
    args = (home.context.database, home.context.catalogue, 1, None, Evidence(), now)
    preferences.unsubscribe(*args)
    assert withdrawals.copy_out(home.context.database, journal, now) == 3
