"""Editing emails: drafts that the owner can save, preview and test before publishing."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from nurture.addresses import plain_mailbox
from nurture.domain.errors import NurtureError
from nurture.domain.messages.email import EmailSource
from nurture.domain.practice import Practice
from nurture.domain.sequences.sequence import Sequence, StepKind
from nurture.mail.mailer import Envelope, Mailer, Outcome
from nurture.rendering.compile import CompiledEmail, EmailError
from nurture.rendering.compile_sandboxed import compile_confined
from nurture.rendering.greetings import Reading, how_it_reads, name_kinds
from nurture.rendering.lint.completeness import check_email
from nurture.rendering.lint.preflight import Concern, Severity, SubscriberNames, preflight, refused
from nurture.rendering.preview import Preview, inert, preview_email, trial_message, trial_number
from nurture.services.publishing.files import CheckError
from nurture.services.publishing.sources import published_library
from nurture.services.publishing.studio import (
    Written,
    as_written,
    find_email,
    read_written,
    step_of,
)
from nurture.store.database import Connection, Database
from nurture.store.tables import drafts, offers, subscribers
from nurture.store.tables.revisions import RevisionKind, find_newest


class SavedElsewhereError(NurtureError):
    """The draft was saved in another tab after this one loaded it."""


@dataclass(frozen=True, slots=True)
class Editing:
    """What is in the editor: the draft or, without one, the published email.

    Pass `version` back when saving; it is 0 while there is no draft. `based_on` is the number of
    the revision that the draft started from, `published` that of the newest.
    """

    key: str
    written: Written
    version: int
    based_on: int
    published: int
    saved_at: datetime | None

    @property
    def is_overtaken(self) -> bool:
        """Whether another revision was published after the draft was started."""
        return self.version > 0 and self.based_on != self.published


def find_editing(database: Database, key: str) -> Editing | None:
    """Return what is in the editor for an email, or None if no draft or email exists."""
    with database.reading() as connection:
        draft = drafts.find_draft(connection, RevisionKind.EMAIL, key)
        source = find_email(connection, key)
        number = _published_number(connection, key)
    if draft:
        written = Written.of(draft.source)
        return Editing(key, written, draft.version, draft.based_on, number, draft.saved_at)
    return Editing(key, as_written(source), 0, number, number, None) if source else None


def save_draft(database: Database, key: str, written: Written, version: int, now: datetime) -> int:
    """Save the text over that version of the draft, 0 for the first; return the new version.

    Nothing is checked, so that half a sentence can be saved. May raise `SavedElsewhereError`.
    """
    with database.writing() as connection:
        saved = drafts.save_draft(
            connection,
            RevisionKind.EMAIL,
            key,
            asdict(written),
            version=version,
            based_on=_published_number(connection, key),
            now=now,
        )
    if saved is None:
        raise SavedElsewhereError(
            "This email was changed in another window.",
            remedy="Copy what you wrote here, reload the page and put it in again.",
        )
    return saved


def discard_draft(database: Database, key: str) -> None:
    """Discard the draft and return to the published email."""
    with database.writing() as connection:
        drafts.discard_draft(connection, RevisionKind.EMAIL, key)


def drafted(database: Database) -> dict[str, datetime]:
    """Return the emails with a draft, and when each was last saved."""
    with database.reading() as connection:
        return drafts.drafted_keys(connection, RevisionKind.EMAIL)


def preview(
    database: Database, key: str, written: Written, public_url: str, first_name: str
) -> Preview:
    """Return what someone with that name would see; may raise `CheckError` with the findings.

    Nothing is stored or counted, and none of the personal links work.
    """
    made = _made(database, key, written)
    return preview_email(
        made.email, made.sequence, made.kind, made.practice, public_url, first_name
    )


def send_test(
    database: Database,
    mailer: Mailer,
    sign: Callable[[bytes], bytes],
    public_url: str,
    key: str,
    written: Written,
    to: str,
    first_name: str,
    now: datetime,
) -> Outcome:
    """Send the text to the owner's own address, marked as a test.

    It is not in the message ledger, and its links open nothing, but it counts towards the account's
    limits. May raise `CheckError`, or
    `AddressError` if the owner's address is undeliverable; mail server trouble is in the outcome.
    """
    made, to = _made(database, key, written), plain_mailbox(to)
    data = trial_message(
        made.email, made.sequence, made.kind, made.practice, public_url, to, first_name, now
    )
    sender = made.practice.sender_address
    envelope = Envelope(trial_number(now), sender, to, sign(data) + data, dotless=True)
    [outcome] = mailer.offer(iter([envelope]))
    with database.writing() as connection:
        offers.add_offers(connection, int(outcome.counts), now)
    return outcome


@dataclass(frozen=True, slots=True)
class _Made:
    email: CompiledEmail
    sequence: Sequence
    kind: StepKind
    practice: Practice


def _made(database: Database, key: str, written: Written) -> _Made:
    with database.reading() as connection:
        source = read_written(connection, key, written)
        library = published_library(connection)
        sequence, kind = step_of(connection, library, key)
    return _Made(compile_written(source), sequence, kind, library.practice)


def compile_written(source: EmailSource) -> CompiledEmail:
    """Compile the text being edited, within limits; may raise `CheckError`."""
    try:
        return compile_confined(source)
    except EmailError as error:
        raise CheckError(error.findings) from None


def _published_number(connection: Connection, key: str) -> int:
    present = find_newest(connection, RevisionKind.EMAIL, key)
    return present.number if present else 0


@dataclass(frozen=True, slots=True)
class Examination:
    """The concerns about an email, and how it reads to the people in the database."""

    concerns: list[Concern]
    readings: list[Reading]


def preflight_email(
    database: Database, key: str, written: Written, public_url: str
) -> list[Concern]:
    """Return everything to fix or consider before publishing; never raise because of the text."""
    return examine_email(database, key, written, public_url).concerns


def examine_email(database: Database, key: str, written: Written, public_url: str) -> Examination:
    """Return the preflight, and how the email reads to each kind of name among subscribers.

    The email is rendered for one name of each kind, however many people have it.
    """
    try:
        with database.reading() as connection:
            source = read_written(connection, key, written)
            library = published_library(connection)
            sequence, kind = step_of(connection, library, key)
            counted = subscribers.first_names(connection)
    except CheckError as error:
        return Examination([Concern(Severity.ERROR, 0, one, "") for one in error.findings], [])
    try:
        email = compile_written(source)
    except CheckError as error:
        return Examination([refused(finding, source) for finding in error.findings], [])

    def shown_to(name: str) -> Preview:
        return preview_email(email, sequence, kind, library.practice, public_url, name)

    found = [
        refused(one, source) for one in check_email(email, sequence, kind, inert(library.practice))
    ]
    kinds = name_kinds(counted)
    names = SubscriberNames(counted.get("", 0), tuple(one.example for one in kinds if one.example))
    for number, name in enumerate(dict.fromkeys(["Ann", *names.samples])):
        sample, practice = shown_to(name), library.practice
        found += preflight(source, sample, names, practice, public_url, colours=number == 0)
    readings = how_it_reads(kinds, lambda name: _words(shown_to(name)))
    return Examination(list(dict.fromkeys(found)), readings)


def _words(shown: Preview) -> str:
    return f"{shown.subject}\n{shown.text}"


def names_to_try(database: Database, most: int = 50) -> list[str]:
    """Return subscribers' first names, for viewing an email as one of them."""
    with database.reading() as connection:
        return sorted(filter(None, subscribers.first_names(connection)))[:most]
