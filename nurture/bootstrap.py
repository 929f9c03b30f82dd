"""The composition root: turns settings into the objects that everything works with."""

from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol

from nurture import booking
from nurture.archive.identity import KeyFiles
from nurture.archive.place import Place, StoredFile
from nurture.broker.trouble import find_trouble
from nurture.clock import Clock, clock_from
from nurture.domain.errors import NurtureError
from nurture.domain.practice import Practice
from nurture.faults import keep_values_out_of_logs
from nurture.files.disk import Disk, Probe, look
from nurture.files.remarks import Remark
from nurture.files.witness import Witness
from nurture.library.practice import parse_practice
from nurture.mail import providers as mail_providers
from nurture.mail.logbook import Logbooks
from nurture.mail.mailbox.return_path import ReturnPaths
from nurture.mail.outbox.folder import remove_mails, unlist_refused
from nurture.mail.providers import Provider
from nurture.mail.setup import NO_PROVIDER, make_mailer, make_sign, relay_of
from nurture.proxies import trouble_with
from nurture.rendering.message import no_headers
from nurture.sealing import Seal
from nurture.services.account.access_tokens import GrantedTokens
from nurture.services.backup import state
from nurture.services.backup.backups import BackupSetup
from nurture.services.backup.contents import Sources
from nurture.services.backup.places import locate, place_of
from nurture.services.catalogue import Catalogue, NothingPublishedError, Published
from nurture.services.delivery.dispatch import Dispatch
from nurture.services.door.admission import SignupLimits
from nurture.services.door.reception import Door
from nurture.services.evidence.keys import keep_a_key
from nurture.services.inbound.mailbox import MailboxSource
from nurture.services.inbound.mailbox_news import InboundDesk
from nurture.services.keys.mailboxes import know_mailboxes
from nurture.services.keys.mark import insist_on_keys, refuse_other_keys
from nurture.services.keys.sealed import seal_afresh
from nurture.services.publishing.guides import GuideFiles
from nurture.services.subscribers.machine_files import OwnFiles
from nurture.services.tracking import fold
from nurture.services.tracking.journal import HitJournal
from nurture.settings import Settings, load_settings
from nurture.store.database import Database, DatabaseUnavailableError, NewerDatabaseError
from nurture.store.migrate import migrate
from nurture.store.shape import NEWEST, is_newer
from nurture.store.tables.erasures import ErasedMarks
from nurture.store.tables.instance import fingerprint
from nurture.store.wiping import rewrite_old
from nurture.tokens import Tokens


class OlderDatabaseError(NurtureError):
    """A database that has not been upgraded since this version was installed."""

    def __init__(self, found: str | None) -> None:
        stands = f"its tables are at {found}" if found else "it has no tables yet"
        super().__init__(
            f"The database is older than this program: {stands}, and this program works with "
            f"{NEWEST}.",
            remedy="Make a copy of it, then bring it up to date with “nurture publish”, or by "
            "starting “nurture serve”.",
        )


class Doorbell(Protocol):
    """The wake-up call to the workers: there is something to do now."""

    def ring(self) -> None:
        """Ring; never raise and never wait. A lost ring costs one sweep interval."""


class NoDoorbell:
    """The doorbell of processes that have nobody to wake."""

    def ring(self) -> None:
        """Do nothing; the next sweep finds any work."""


@dataclass(frozen=True)
class Context:
    """Everything that one process works with; made by `build`."""

    settings: Settings
    clock: Clock
    database: Database
    tokens: Tokens
    catalogue: Catalogue
    doorbell: Doorbell = field(default_factory=NoDoorbell)
    relay: Provider | None = None
    look_at_disk: Probe = look

    @cached_property
    def disk(self) -> Disk:
        """The monitor of free space for the data directory and the embedded database."""
        database = (path.parent for path in self.settings.database_files[:1])
        return Disk([self.settings.data_dir, *database], self.look_at_disk)

    @property
    def mail_provider(self) -> str:
        """The name of the provider that email is sent through, or `none`."""
        return self.relay.name if self.relay else NO_PROVIDER

    @property
    def library(self) -> Path:
        """The folder in which the emails and the guides are written."""
        return self.settings.templates_dir

    @property
    def guide_files(self) -> GuideFiles:
        """The shelf of guides."""
        return GuideFiles(self.library, self.settings.data_dir / "guides")

    @property
    def outbox(self) -> Path:
        """The folder for emails that are written while no mail server is set."""
        return self.settings.data_dir / "outbox"

    @property
    def journals(self) -> Path:
        """The folder in which hits wait to be transferred to the database."""
        return self.settings.data_dir / "journals"

    @property
    def limits(self) -> SignupLimits:
        """The number of signups per hour that are accepted."""
        return SignupLimits(
            self.settings.signups_per_client_hour, self.settings.signups_per_form_hour
        )

    @property
    def door(self) -> Door:
        """What receiving a form needs."""
        return Door(*self.stored, self.tokens, self.seal, self.limits)

    @property
    def practice(self) -> Practice:
        """The practice as published or, while the database is unavailable, as last written."""
        if published := self.published:
            return published.practice
        path = self.library / "practice.toml"
        return parse_practice(path.read_text(encoding="utf-8"), str(path))

    @property
    def published(self) -> Published | None:
        """What is published, or `None` while nothing is or the database is unavailable."""
        try:
            return self.get_published()
        except (DatabaseUnavailableError, NothingPublishedError):
            return None

    def get_published(self) -> Published:
        """Return what is published; raise `NothingPublishedError` or `DatabaseUnavailableError`."""
        with self.database.reading() as connection:
            return self.catalogue.current(connection)

    @property
    def stored(self) -> tuple[Database, Catalogue]:
        """The database and the catalogue of what it publishes, which most services read first."""
        return self.database, self.catalogue

    @property
    def where_mails_stay(self) -> str:
        """What happens to emails while no mail server is set; empty if one is."""
        if self.settings.smtp_url:
            return ""
        return (
            f"No mail server is set (NURTURE_SMTP_URL), so emails reach nobody: they are written "
            f"to the folder {self.outbox.absolute()}. “nurture outbox” makes a page of them."
        )

    @cached_property
    def seal(self) -> Seal:
        """The seal that protects stored secrets from anyone who reads the database."""
        return Seal(self.settings.keys.opening)

    @cached_property
    def access_tokens(self) -> GrantedTokens:
        """The access tokens of the connected mail account, for sending and for reading."""
        return GrantedTokens(self.database, self.seal, self.settings, self.clock)

    @cached_property
    def files(self) -> OwnFiles:
        """The files about people that this machine stores outside the database."""
        followed = Witness(self.settings.data_dir / f"erasures-{self.fingerprint}")
        removers = (
            partial(_lose_mails, self.outbox, self.tokens),
            partial(_lose_hits, self.database, self.journals),
        )
        return OwnFiles(self.settings.data_dir, followed, removers)

    @property
    def backup_setup(self) -> BackupSetup:
        """What is backed up, with which key, and to which place."""
        sources = Sources(
            self.database, self.settings, self.library, self.fingerprint, self.tokens.key_mark
        )
        return BackupSetup(sources, KeyFiles(self.settings.data_dir), self.place)

    @cached_property
    def place(self) -> Place | None:
        """The place for nightly backups, if one is set."""
        return place_of(self.settings)

    def find_backup(self, where: str) -> StoredFile:
        """Return a backup, given the recorded location of its file."""
        return locate(where, self.settings)

    @property
    def backup_trouble(self) -> str:
        """What is wrong with the backups, in sentences; empty if nothing is."""
        return state.trouble(self.backup_setup, self.clock())

    @cached_property
    def strange_proxy(self) -> Remark:
        """The remark made when visitors come through a proxy that is not trusted."""
        return Remark(self.settings.data_dir / "strange-proxy.json")

    @property
    def proxy_trouble(self) -> str:
        """What is wrong with a proxy in front of us, in sentences; empty if nothing is."""
        told = self.strange_proxy.told(self.clock())
        if self.settings.trusted_proxies or told is None:
            return ""
        return trouble_with(str(told.get("address", "")))

    @cached_property
    def crowded(self) -> Remark:
        """The remark made when more visitors come at the same time than can be answered."""
        return Remark(self.settings.data_dir / "crowded.json")

    @property
    def crowd_trouble(self) -> str:
        """What to tell the owner about such a crowd, in sentences; empty if there was none."""
        told = self.crowded.told(self.clock())
        if told is None:
            return ""
        return (
            f"On {told['at'][:10]} more came at once than could be answered, and the newest were "
            f"asked to try again ({told.get('who', 'visitors')}). Nothing that was answered is "
            "lost. If it was a real crowd, give nurture a larger machine."
        )

    @property
    def fingerprint(self) -> str:
        """The identity of this running instance; a copy of the database has another."""
        return fingerprint(self.database)

    @property
    def witness(self) -> Witness:
        """The witness that remembers how far this database had come."""
        return Witness(self.settings.data_dir / f"witness-{self.fingerprint}")

    @property
    def logbooks(self) -> Logbooks:
        """The logbooks in which this machine's workers record what they hand to the mail server."""
        return Logbooks(self.settings.data_dir / f"sending-{self.fingerprint}")

    @cached_property
    def journal(self) -> HitJournal:
        """This process's own journal of hits."""
        return HitJournal(self.journals)

    @cached_property
    def dispatch(self) -> Dispatch:
        """Everything that delivery needs; raise `KeysMissingError` if the keys are missing."""
        insist_on_keys(self.database, self.tokens)
        return Dispatch(
            database=self.database,
            catalogue=self.catalogue,
            mailer=make_mailer(self.settings, self.outbox, self.access_tokens),
            clock=self.clock,
            sign=make_sign(self.settings, self.practice.sender_domain, self.relay),
            fingerprint=self.fingerprint,
            witness=self.witness,
            logbooks=self.logbooks,
            batch=self.settings.batch,
            fixed=self.settings.account_choices,
            return_paths=self.inbound_desk.return_paths,
            waiting_an_hour=self.settings.waiting_an_hour,
        )

    @property
    def inbound_desk(self) -> InboundDesk:
        """What taking in a mail needs."""
        paths = ReturnPaths(self.tokens, self.settings.bounce_address)
        return InboundDesk(*self.stored, self.tokens, paths)

    @property
    def mailbox(self) -> MailboxSource | None:
        """The mailbox that is read, if one is set; raise `MailboxAddressError` if it cannot be."""
        return MailboxSource.at(self.settings.imap_url, self.access_tokens)


def build(
    settings: Settings | None = None, doorbell: Doorbell | None = None, *, looking: bool = False
) -> Context:
    """Build the context from its settings, by default those of the environment.

    With `looking`, nothing can be written to its database.
    """
    keep_values_out_of_logs()
    settings = settings or load_settings()
    tokens, relay = Tokens.of(settings.keys), relay_of(settings)
    headers_for = relay.headers_for if relay else no_headers
    return Context(
        settings=settings,
        clock=clock_from(settings.clock),
        database=Database(settings.database, looking=looking),
        tokens=tokens,
        catalogue=Catalogue(tokens, settings.public_url, headers_for),
        doorbell=doorbell or NoDoorbell(),
        relay=relay,
    )


def _lose_mails(outbox: Path, tokens: Tokens, gone: ErasedMarks) -> None:
    remove_mails(outbox, gone.messages)
    unlist_refused(outbox, lambda a: not gone.address_hashes.isdisjoint(tokens.address_hashes(a)))


def _lose_hits(database: Database, journals: Path, _: ErasedMarks) -> None:
    """Fold the journals, which overwrites them and drops the hits of erased people."""
    fold.fold_a_little(database, journals)


def refuse_newer(database: Database) -> None:
    """Raise `NewerDatabaseError` if a newer program has upgraded the tables.

    If the database is unavailable, the code that needs it will find out.
    """
    if not database.exists():
        return
    try:
        found = database.find_shape()
    except DatabaseUnavailableError:
        return
    if is_newer(found):
        raise NewerDatabaseError(str(found))


def refuse_older(database: Database) -> None:
    """Raise `OlderDatabaseError` if the tables must be upgraded first."""
    found = database.find_shape()
    if found != NEWEST:
        raise OlderDatabaseError(found)


def refuse_unreadable(settings: Settings) -> None:
    """Raise if a process of this program must not run on these tables, or with these keys.

    The error is `NewerDatabaseError` or `KeysMissingError`. If the database is unavailable or
    older, the code that needs it will find out.
    """
    tokens, database = Tokens.of(settings.keys), Database(settings.database)
    try:
        if database.exists():
            database.ping()
            if database.find_shape() == NEWEST:
                refuse_other_keys(database, tokens)
    except NewerDatabaseError:
        raise
    except DatabaseUnavailableError:
        return
    finally:
        database.close()


def bring_up_to_date(context: Context) -> None:
    """Upgrade the tables, and the form of their rows, to what this version expects.

    Only `serve`, `publish` and `demo` do so. Raise `UpgradeFailedError`, `NewerDatabaseError` or,
    if the secrets do not belong to this database, `KeysMissingError`.
    """
    migrate(context.settings.database)
    insist_on_keys(context.database, context.tokens)
    seal_afresh(context.database, context.seal)
    keep_a_key(context.database, context.seal, context.clock())
    know_mailboxes(context.database, context.tokens)
    rewrite_old(context.database)


def broker_trouble(context: Context) -> str | None:
    """Return what keeps tasks from reaching the workers, if anything and if Redis is set."""
    return find_trouble(context.settings.redis_url) if context.settings.redis_url else None


def doubts(settings: Settings) -> list[str]:
    """Return probable mistakes in the settings, as sentences; secrets of unknown providers too."""
    return settings.doubtful({*booking.registry(), *mail_providers.registry()})
