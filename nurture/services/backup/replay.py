"""Replaying: withdrawing again, in a restored database, what was withdrawn after the backup.

A line that is replayed twice, or was already in the backup, changes nothing.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from nurture.archive.journal import WithdrawalJournal, WithdrawalLine
from nurture.domain.errors import NurtureError
from nurture.domain.subscribers.consent import (
    JOURNAL,
    JOURNAL_OF_CHOICES,
    Evidence,
    Origin,
    Purpose,
    Scope,
    read_scope,
)
from nurture.domain.subscribers.preferences import in_own_words
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.backup.contents import BackupHeader
from nurture.services.catalogue import Catalogue
from nurture.services.subscribers.erasure import forget, let_go
from nurture.services.subscribers.machine_files import OwnFiles
from nurture.services.subscribers.preferences import stop
from nurture.services.subscribers.suppression import suppress_address
from nurture.store.database import Connection, Database
from nurture.store.queries import locks
from nurture.store.tables import subscribers
from nurture.store.tables.consents import record_consents
from nurture.store.tables.suppressions import stands, suppress, suppress_erased
from nurture.store.tables.withdrawals import CONSENT, LET_GO, list_once

#: Every kind of opt-out that this version knows, besides withdrawn consents.
_KINDS = {*SuppressionReason, LET_GO}


class UnknownKindError(NurtureError):
    """A newer version has recorded a kind of opt-out that this one does not know."""


_NEWS = Scope(Purpose.NEWS)


@dataclass(frozen=True, slots=True)
class Replayer:
    """The objects that replaying needs, and the current time."""

    database: Database
    catalogue: Catalogue
    files: OwnFiles
    now: datetime

    def replay(self, lines: Iterable[WithdrawalLine]) -> Counter[str]:
        """Withdraw again what these lines say; return how many there were of each kind."""
        counted: Counter[str] = Counter()
        again = list(lines)
        stops = {_moment(one) for one in again if one.kind == SuppressionReason.UNSUBSCRIBED}
        for line in again:
            self._again(line, JOURNAL if _moment(line) in stops else JOURNAL_OF_CHOICES)
            counted[line.kind] += 1
        return counted

    def _again(self, line: WithdrawalLine, source: str) -> None:
        if line.kind in (SuppressionReason.ERASED, LET_GO):
            return self._erase_again(line)
        with self.database.writing() as connection:
            locks.hold_address(connection, line.address_hash)
            number = subscribers.find_by_hash(connection, line.address_hash)
            if number is not None:
                self._say_no_again(connection, number, line, source)
            elif line.kind.startswith(CONSENT):
                list_once(connection, line.address_hash, line.kind, line.happened_at)
            elif not stands(connection, line.address_hash, SuppressionReason.ERASED):
                # The backup does not know them, but they may sign up again.
                reason = SuppressionReason(line.kind)
                suppress(connection, line.address_hash, reason, line.happened_at)

    def _erase_again(self, line: WithdrawalLine) -> None:
        with self.database.writing() as connection:
            number = subscribers.find_by_hash(connection, line.address_hash)
            if number is None and line.kind == SuppressionReason.ERASED:
                suppress_erased(connection, line.address_hash, line.happened_at)
            elif number is None:
                list_once(connection, line.address_hash, line.kind, line.happened_at)
        if number is not None:
            erase = forget if line.kind == SuppressionReason.ERASED else let_go
            erase(self.database, self.files, number, self.now)

    def _say_no_again(
        self, connection: Connection, number: int, line: WithdrawalLine, source: str
    ) -> None:
        person = locks.hold_subscriber(connection, number)
        if person is None:
            return
        privacy = self.catalogue.current(connection).practice.privacy_version
        at = line.happened_at
        if line.kind.startswith(CONSENT):
            scope = read_scope(line.kind.removeprefix(CONSENT))
            as_client = scope == _NEWS and person.client_basis_at is not None
            if scope and (scope in person.consents or as_client):
                taken = in_own_words([scope], False)
                record_consents(connection, number, taken, Origin(source, privacy), at)
            if as_client and source == JOURNAL_OF_CHOICES:
                subscribers.change_subscriber(connection, number, client_basis_at=None)
        elif line.kind == SuppressionReason.UNSUBSCRIBED:
            stop(connection, person, None, privacy, Evidence(), self.now, JOURNAL, at)
        else:
            reason = SuppressionReason(line.kind)
            suppress_address(connection, number, line.address_hash, "", self.now, reason, at)


def _moment(line: WithdrawalLine) -> tuple[str, datetime]:
    return line.address_hash, line.happened_at


def since_backup(journal: WithdrawalJournal, about: BackupHeader) -> list[WithdrawalLine]:
    """Return the lines that the backup may not contain; may raise `UnknownKindError`."""
    return _understood(
        line
        for line in journal.lines()
        if line.number > about.withdrawals or line.noted_at >= about.made_at
    )


def since_elsewhere(journal: WithdrawalJournal, about: BackupHeader) -> list[WithdrawalLine]:
    """Return what was withdrawn since the backup on another machine, such as one restored from it.

    Its line numbers are its own, and it repeats lines that the backup already contains.
    """
    return _understood(line for line in journal.lines() if line.happened_at >= about.made_at)


def _understood(lines: Iterable[WithdrawalLine]) -> list[WithdrawalLine]:
    found = list(lines)
    for line in found:
        withdrawn = line.kind.removeprefix(CONSENT)
        if line.kind not in _KINDS and (withdrawn == line.kind or not read_scope(withdrawn)):
            raise UnknownKindError(
                f"The journal of withdrawals says “{line.kind[:40]}”, which means nothing here.",
                remedy="Restore with the version that wrote it, or a newer one.",
            )
    return found
