"""What delivery works with, which a process puts together once."""

from collections.abc import Callable
from dataclasses import dataclass

from nurture.clock import Clock
from nurture.domain.account.presets import NO_CHOICES, AccountChoices
from nurture.domain.door.waiting import WAITING_AN_HOUR
from nurture.files.witness import Witness
from nurture.mail.logbook import Logbooks
from nurture.mail.mailbox.return_path import ReturnPaths
from nurture.mail.mailer import Mailer
from nurture.services.catalogue import Catalogue
from nurture.store.database import Database

Sign = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Dispatch:
    """Everything that delivery needs; one per process."""

    database: Database
    catalogue: Catalogue
    mailer: Mailer
    clock: Clock
    sign: Sign
    fingerprint: str
    witness: Witness
    logbooks: Logbooks
    batch: int = 500
    fixed: AccountChoices = NO_CHOICES
    return_paths: ReturnPaths | None = None
    waiting_an_hour: int = WAITING_AN_HOUR
