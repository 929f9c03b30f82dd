"""Why one message was sent, for the person who got it: the basis, its proof, and what else came.

Everything is read from the ledger and the records, as they were when the message was sent.
"""

from collections.abc import Sequence as Many
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from nurture.domain.rights.account import Account, ClientRight, account_of
from nurture.domain.rights.mailing import Mailing
from nurture.domain.scheduling.gate import mailing_of
from nurture.domain.sequences.sequence import Request, Sequence
from nurture.domain.subscribers.address import masked
from nurture.domain.subscribers.consent import Purpose, Scope, scope_of
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.library.published import published_sequence
from nurture.library.reading import LibraryError
from nurture.rendering.compile import CompiledEmail
from nurture.services.catalogue import Catalogue, Published
from nurture.services.profile.page_words import subject_in
from nurture.store.database import Connection, Database
from nurture.store.queries.sent import SentMessage, find_sent, sent_to
from nurture.store.tables import revisions
from nurture.store.tables.consents import consent_records
from nurture.store.tables.revisions import RevisionKind
from nurture.store.tables.subscribers import Subscriber, find_subscriber
from nurture.store.tables.suppressions import suppressions_of

#: So many of the emails that were sent are listed, the newest.
MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class ListedEmail:
    """One email that was sent: its subject, and when."""

    subject: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class MessageAccount:
    """Why one message was sent.

    `purpose` and `title` say what it belongs to, and `account` what gave the right to send it.
    `answers` is what they asked for on their own page, at `asked_at`. `stopped_at` is set if they
    have unsubscribed. `listed` is what was sent under the same, newest first, and there are `more`.
    """

    message: int
    subscriber: int
    address_hash: str
    masked_address: str
    time_zone: ZoneInfo
    mailing: Mailing
    purpose: Purpose | None
    title: str
    email: ListedEmail
    account: Account
    client: ClientRight
    answers: Request | None
    asked_at: datetime
    stopped_at: datetime | None
    listed: tuple[ListedEmail, ...]
    more: int


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message, the sequence that it came from, and what people must have agreed to for it."""

    message: SentMessage
    sequence: Sequence
    scope: Scope | None

    @property
    def belongs_to(self) -> tuple[Scope | None, str]:
        """A stream, or else what was asked for in its sequence."""
        is_stream = self.scope is not None and self.scope.purpose is not Purpose.GUIDE
        return self.scope, "" if is_stream else self.sequence.key


def explain_message(
    database: Database, catalogue: Catalogue, message_id: int
) -> MessageAccount | None:
    """Return why that message was sent; `None` if nothing is held any more about the person."""
    with database.reading() as connection:
        message = find_sent(connection, message_id)
        person = find_subscriber(connection, message.subscriber) if message else None
        if message is None or person is None:
            return None
        return _explain(connection, catalogue.current(connection), message, person)


def _explain(
    connection: Connection, published: Published, message: SentMessage, person: Subscriber
) -> MessageAccount:
    sent = _needing(published, message, _as_it_was(connection, message))
    scope = sent.scope
    mailing = mailing_of(message.kind, scope)
    client = ClientRight(person.client_basis_at, person.client_since)
    records = consent_records(connection, person.id)
    belonging = _belonging(connection, published, sent)
    chosen = [message, *belonging[:MOST_LISTED]]
    email, *listed = _listed(connection, published, chosen, person.first_name)
    return MessageAccount(
        message=message.id,
        subscriber=person.id,
        address_hash=person.address_hash,
        masked_address=masked(person.address),
        time_zone=ZoneInfo(person.time_zone),
        mailing=mailing,
        purpose=scope.purpose if scope else None,
        title=_title(published, sent),
        email=email,
        account=account_of(mailing, scope, records, message.claimed_at, client),
        client=client,
        answers=sent.sequence.answers,
        asked_at=message.due_at,
        stopped_at=_stopped_at(connection, person),
        listed=tuple(listed),
        more=len(belonging[MOST_LISTED:]),
    )


def _as_it_was(connection: Connection, message: SentMessage) -> Sequence | None:
    """Return the sequence of a message as it was when the message was sent, if it can be read."""
    state = revisions.find_in_force(
        connection, RevisionKind.SEQUENCE, message.sequence, message.claimed_at
    )
    try:
        return published_sequence(message.sequence, state.source["toml"])[0] if state else None
    except LibraryError:
        return None


def _needing(published: Published, message: SentMessage, was: Sequence | None = None) -> _Sent:
    """Return a message with what it needed, as its step says, or its kind if the step is gone."""
    sent = published.sent_broadcasts
    here = was or published.sequences.get(message.sequence) or sent.get(message.sequence)
    sequence = here or Sequence(message.sequence, message.sequence, ())
    step = next((one for one in sequence.steps if one.email == message.step), None)
    if step is not None:
        return _Sent(message, sequence, sequence.scope(step, message.covered_by))
    purpose = message.kind.rules.consent
    form = sequence.covers_next(message.covered_by)
    return _Sent(message, sequence, scope_of(purpose, form) if purpose else None)


def _belonging(connection: Connection, published: Published, sent: _Sent) -> list[SentMessage]:
    """Return everything that was sent under the same stream, newest first."""
    return [
        one
        for one in sent_to(connection, sent.message.subscriber)
        if one.id == sent.message.id or _needing(published, one).belongs_to == sent.belongs_to
    ]


def _listed(
    connection: Connection, published: Published, chosen: Many[SentMessage], first_name: str
) -> list[ListedEmail]:
    found = revisions.revisions_of(connection, {one.revision for one in chosen})
    emails = {one.id: CompiledEmail.from_json(one.compiled) for one in found}
    return [
        ListedEmail(
            subject_in(published, one.sequence, emails[one.revision], first_name), one.sent_at
        )
        for one in chosen
    ]


def _title(published: Published, sent: _Sent) -> str:
    """Return the title of the guide or series that a message belongs to; "" for other streams."""
    if sent.scope is None:
        return ""
    if sent.scope.purpose is Purpose.GUIDE:
        return sent.sequence.guide_title
    return published.title_of_form(sent.scope.form)


def _stopped_at(connection: Connection, person: Subscriber) -> datetime | None:
    found = suppressions_of(connection, person.address_hash)
    return next((s.since for s in found if s.reason is SuppressionReason.UNSUBSCRIBED), None)
