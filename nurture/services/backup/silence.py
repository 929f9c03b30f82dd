"""Settling in: a restored database stays silent until the owner arms it."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from nurture.archive.journal import WithdrawalJournal
from nurture.services.backup.contents import BackupHeader
from nurture.services.backup.held import hold_missed
from nurture.services.backup.replay import Replayer, since_backup, since_elsewhere
from nurture.services.catalogue import Catalogue
from nurture.services.subscribers.machine_files import OwnFiles
from nurture.store.database import Database
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.instance import RESTORED, arm
from nurture.store.tables.messages import messages
from nurture.store.tables.restores import leap
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.withdrawals import withdrawals

#: Links, Message-IDs and the journal of withdrawals identify rows of these by number.
_NAMED_BY_NUMBER = (subscribers, enrolments, messages, withdrawals)


def settle_in(
    database: Database,
    catalogue: Catalogue,
    files: OwnFiles,
    about: BackupHeader,
    journal: WithdrawalJournal | None,
    others: Iterable[WithdrawalJournal],
    now: datetime,
) -> Counter[str]:
    """Withdraw again what was withdrawn since the backup, and hold all that came due since.

    There may be withdrawals on `others` too: a machine restored from this backup earlier has its
    own journal.

    New rows get numbers that the lost machine cannot have used. Return how many opt-outs of each
    kind there were. Only then does the database count as restored and may be armed.
    """
    with database.writing() as connection:
        leap(connection, _NAMED_BY_NUMBER, about.made_at, now)
    hold_missed(database, catalogue, now)
    lines = since_backup(journal, about) if journal else []
    lines += [line for other in others for line in since_elsewhere(other, about)]
    withdrawn = Replayer(database, catalogue, files, now).replay(lines)
    with database.writing() as connection:
        arm(connection, RESTORED, now)
    return withdrawn
