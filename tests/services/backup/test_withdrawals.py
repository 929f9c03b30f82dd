"""The journal of withdrawals: every no, once, in a file that survives a crash at any byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.archive.journal import Journal, JournalFile, Line
from nurture.domain.sequences.sequence import UNCOLLECTED_FOR
from nurture.domain.subscribers.consent import Evidence
from nurture.services.backup import withdrawals
from nurture.services.subscribers import erasure, preferences
from nurture.services.subscribers.preferences import PreferenceChange, Wish
from tests.house import Household
from tests.servers.clock import ClockFile


def kinds(journal: Journal) -> list[str]:
    return sorted(line.kind for line in journal.lines())


def test_every_kind_of_no_is_copied_out_once_and_names_nobody(home: Household) -> None:
    house, now = home.house, home.clock.now
    for name in ("ann", "bea", "cem"):
        home.subscribe(f"{name}@example.org")
    home.collect(1, tracking=True)
    journal, no_tracking = house.safe.journal, PreferenceChange(Wish.USUAL, False, False)
    preferences.change_preferences(house.database, house.catalogue, 1, no_tracking, Evidence(), now)
    preferences.unsubscribe(house.database, house.catalogue, 1, None, Evidence(), now)
    erasure.forget(house.database, house.files, 2, now)
    home.clock.advance(UNCOLLECTED_FOR)
    home.upkeep()
    assert withdrawals.to_copy(house.database, journal) > 0
    copied = withdrawals.copy_out(house.database, journal, now)
    assert kinds(journal) == [
        *("consent:guide", "consent:marketing", "consent:tracking", "erased"),
        *("let_go", "let_go", "unsubscribed"),
    ]
    assert copied == 7
    assert withdrawals.copy_out(house.database, journal, now) == 0
    assert isinstance(journal, JournalFile)
    assert b"example.org" not in journal.path.read_bytes()
    assert oct(journal.path.stat().st_mode & 0o777) == "0o600"


@given(cut=st.integers(0, 400))
def test_a_line_that_was_torn_is_written_again(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "withdrawals.jsonl"
    now = ClockFile(path.with_name("clock")).now
    lines = [Line(n, f"hash {n}", "unsubscribed", now, now) for n in range(1, 5)]
    journal = JournalFile(path)
    journal.append(lambda last: lines[last:])
    path.write_bytes(path.read_bytes()[:-cut] if cut else path.read_bytes())
    journal.append(lambda last: lines[last:])
    assert list(journal.lines()) == lines
    assert journal.last_number() == 4


def test_an_earlier_database_is_copied_from_its_beginning(sqlite_home: Household) -> None:
    home, now = sqlite_home, sqlite_home.clock.now
    journal = home.house.safe.journal
    journal.append(lambda _: [Line(99, "of before", "unsubscribed", now, now)])
    home.subscribe("ann@example.org")
    args = (home.house.database, home.house.catalogue, 1, None, Evidence(), now)
    preferences.unsubscribe(*args)
    assert withdrawals.copy_out(home.house.database, journal, now) == 3
