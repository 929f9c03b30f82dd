"""Resting: a restored database takes its place, silent until somebody says that it may send."""

from collections import Counter
from datetime import datetime

from nurture.archive.journal import Journal
from nurture.services.catalogue import Catalogue
from nurture.services.contents import About
from nurture.services.following import OwnFiles
from nurture.services.holding import hold_missed
from nurture.services.replaying import Replayer, since_backup
from nurture.store.instance import RESTORED, arm
from nurture.store.session import Database


def settle_in(
    database: Database,
    catalogue: Catalogue,
    files: OwnFiles,
    about: About,
    journal: Journal | None,
    now: datetime,
) -> Counter[str]:
    """Withdraw again what was withdrawn since the backup, and hold all that was due since.

    Return how many noes of each kind there were. Only then does the database count as
    restored, and may be armed.
    """
    hold_missed(database, catalogue, now)
    lines = since_backup(journal, about) if journal else []
    withdrawn = Replayer(database, catalogue, files, now).replay(lines)
    with database.writing() as connection:
        arm(connection, RESTORED, now)
    return withdrawn
