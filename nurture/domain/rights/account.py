"""The account of one message: what gave the right to send it, and what became of that right."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nurture.domain.rights.basis import is_brought
from nurture.domain.rights.mailing import Mailing
from nurture.domain.rights.table import TO_CLIENTS
from nurture.domain.subscribers.consent import (
    STREAMS,
    ConsentRecord,
    Consents,
    Scope,
    covers,
    is_among,
)


class Ground(StrEnum):
    """What an email is sent on, as its footer and the page “Why did I get this?” say it."""

    #: They asked for it.
    REQUEST = "request"
    CONSENT = "consent"
    #: A list that was brought along says that they agreed, or the practice does.
    LIST = "list"
    CLIENT = "client"
    #: No record of before the email was sent says why.
    UNRECORDED = "unrecorded"


#: These answer what the person asked for.
REQUESTED = frozenset({Mailing.GUIDE, Mailing.REMINDER, Mailing.ANSWER, Mailing.OWN_DATA})


@dataclass(frozen=True, slots=True)
class ClientRight:
    """The right to write to a client: since when it is noted, and since when they are one.

    It is not noted any more once they have said no.
    """

    noted_at: datetime | None = None
    client_since: datetime | None = None

    def held_at(self, at: datetime) -> bool:
        """Return whether it was there at that moment; one that has ended since was."""
        since = self.noted_at or self.client_since
        return since is not None and since <= at


@dataclass(frozen=True, slots=True)
class Account:
    """What gave the right to send one message.

    `record` is the consent or the request in force when it was sent, and `later` is all that was
    said about the same since then, oldest first.
    """

    ground: Ground
    record: ConsentRecord | None = None
    later: tuple[ConsentRecord, ...] = ()

    @property
    def withdrawn(self) -> ConsentRecord | None:
        """The withdrawal, if they have withdrawn it since and not agreed again."""
        last = self.later[-1] if self.later else None
        return last if last and not last.granted else None


def account_of(
    mailing: Mailing,
    scope: Scope | None,
    records: Sequence[ConsentRecord],
    sent_at: datetime,
    client: ClientRight | None = None,
) -> Account:
    """Return what gave the right to send that at that moment, given all records, oldest first.

    Only what was on record by then counts. `scope` is what they must have agreed to, if anything.
    """
    asked = _streams_of(records) if mailing is Mailing.STILL_THERE else filter(None, [scope])
    in_force = [(_in_force(records, one, sent_at), one) for one in asked]
    found = [(number, one) for number, one in in_force if number is not None]
    if found:
        number, one = max(found)
        record = records[number]
        later = tuple(each for each in records[number + 1 :] if covers(each.scope, one))
        return Account(_ground_of(mailing, record), record, later)
    if mailing in REQUESTED or mailing is Mailing.PERSONAL:
        return Account(Ground.REQUEST)
    as_client = mailing in TO_CLIENTS and client is not None and client.held_at(sent_at)
    return Account(Ground.CLIENT if as_client else Ground.UNRECORDED)


def ground_now(
    mailing: Mailing, scope: Scope | None, consents: Consents, brought: Collection[Scope]
) -> Ground:
    """Return what an email that may be sent is sent on; `brought` are the consents of a list.

    Anything else that the right to write allows, it allows because they are clients.
    """
    if mailing in REQUESTED or mailing is Mailing.PERSONAL:
        return Ground.REQUEST
    asked = consents.streams if mailing is Mailing.STILL_THERE else frozenset(filter(None, [scope]))
    given = [one for one in asked if one in consents]
    if not given:
        return Ground.CLIENT
    of_list = all(is_among(one, brought) for one in given)
    return Ground.LIST if of_list else Ground.CONSENT


def _ground_of(mailing: Mailing, record: ConsentRecord) -> Ground:
    if mailing in REQUESTED:
        return Ground.REQUEST
    return Ground.LIST if is_brought(record) else Ground.CONSENT


def _streams_of(records: Iterable[ConsentRecord]) -> set[Scope]:
    return {one.scope for one in records if one.purpose in STREAMS}


def _in_force(records: Sequence[ConsentRecord], scope: Scope, at: datetime) -> int | None:
    """Return the place of the consent in force at a moment; a withdrawal then counts as later."""
    found = None
    for place, record in enumerate(records):
        if not covers(record.scope, scope):
            continue
        if record.granted and record.recorded_at <= at:
            found = place
        elif not record.granted and record.recorded_at < at:
            found = None
    return found
