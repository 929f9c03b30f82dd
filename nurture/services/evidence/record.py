"""What proves how one person was treated: consents, opt-outs, and every message with its reason.

It works after an erasure too: the consent records and the ledger of messages remain without a
name, and the keyed hash of the address finds them again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from nurture.domain.errors import NurtureError
from nurture.domain.messages.status import MessageStatus
from nurture.domain.practice import Practice
from nurture.domain.subscribers.consent import ConsentRecord, said_where
from nurture.domain.subscribers.suppression import Suppression
from nurture.rendering.compile import CompiledEmail
from nurture.services.catalogue import Catalogue, Published
from nurture.services.delivery.trace import allowed_by
from nurture.services.profile.page_words import subject_in
from nurture.store.database import Connection, Database
from nurture.store.queries import evidence
from nurture.store.queries.evidence import ProvedMessage, ProvedPerson
from nurture.store.tables import revisions
from nurture.store.tables.complaints import complaints_of
from nurture.store.tables.consents import consent_records
from nurture.store.tables.imports import proofs_of
from nurture.store.tables.suppressions import suppressions_of
from nurture.tokens import Tokens

Values = dict[str, Any]

#: The version of the document's form.
FORMAT = "nurture evidence 1"

_COMPLAINT = ("reference", "received_at", "acknowledged_at", "closed_at", "text")

#: What became of a message, in words a reader knows.
_BECAME: Mapping[str, str] = {
    MessageStatus.ACCEPTED: "sent",
    MessageStatus.DELIVERED: "sent, and delivered",
    MessageStatus.BOUNCED: "sent, and came back",
    MessageStatus.COMPLAINED: "sent, and reported as junk",
    MessageStatus.FAILED: "refused by the mail server, not sent",
    MessageStatus.CANCELLED: "cancelled, not sent",
    MessageStatus.DEFERRED: "not sent yet",
    MessageStatus.CLAIMED: "not sent yet",
    MessageStatus.SENDING: "being sent",
    MessageStatus.IN_DOUBT: "not known whether it was sent",
}


class NoEvidenceError(NurtureError):
    """Nothing is kept about that address."""


def gather(
    database: Database, catalogue: Catalogue, tokens: Tokens, address: str, now: datetime
) -> Values:
    """Return what proves how the person with an address was treated, as a JSON document.

    Times are ISO 8601 in UTC, lists are oldest first. Raise `NoEvidenceError` if there is nothing.
    """
    hashes = tokens.address_hashes(address)
    with database.reading() as connection:
        published = catalogue.current(connection)
        people = evidence.people_of(connection, hashes)
        numbers = [one.id for one in people]
        consents = {n: consent_records(connection, n) for n in numbers}
        suppressed = [one for each in hashes for one in suppressions_of(connection, each)]
        complained = complaints_of(connection, numbers, address)
        if not (people or suppressed or complained):
            raise NoEvidenceError(
                f"Nothing is kept about {address}.", remedy="Look at how it is spelt."
            )
        sent = evidence.proved_messages(connection, numbers)
        name = next((one.first_name for one in reversed(people)), "")
        subjects = _subjects(connection, published, sent, name)
        brought = proofs_of(connection, numbers)
        opted_out = evidence.opt_outs_of(connection, hashes)
        lifted = evidence.lifted_of(connection, hashes)
    found = {
        "format": FORMAT,
        "made_at": now,
        "practice": _practice(published.practice),
        "person": _person(address, people),
        "consents": [_consent(one) for records in consents.values() for one in records],
        "opt_outs": [{"kind": kind, "happened_at": at} for kind, at in opted_out],
        "suppressions": [_suppression(one) for one in suppressed],
        "lifted_suppressions": [{"reason": why, "lifted_at": at} for why, at in lifted],
        "messages": [
            _message(one, consents[one.subscriber], subjects[one.id], tokens) for one in sent
        ],
        "complaints": [{name: row[name] for name in _COMPLAINT} for row in complained],
        "imports": brought,
    }
    return {name: _plain(value) for name, value in found.items()}


def _practice(practice: Practice) -> Values:
    own = {"name": practice.name, "address": practice.address_line, "email": practice.email}
    return own | {"website": practice.website_url, "time_zone": practice.time_zone}


def _person(address: str, people: Sequence[ProvedPerson]) -> Values:
    known = next((one for one in people if one.address is not None), None)
    confirmed = [one.confirmed_at for one in people if one.confirmed_at]
    return {
        "address": known.address if known else address,
        "erased": bool(people) and known is None,
        "known_since": min((one.created_at for one in people), default=None),
        "address_confirmed_at": min(confirmed, default=None),
    }


def _consent(one: ConsentRecord) -> Values:
    return {
        "purpose": one.purpose,
        "form": one.form,
        "granted": one.granted,
        "happened_at": one.happened_at,
        "recorded_at": one.recorded_at,
        "source": one.source,
        "where": said_where(one.source),
        "wording": one.wording,
        "wording_sha256": one.wording_hash,
        "privacy_version": one.privacy_version,
        "page_url": one.evidence.page_url,
        "client": one.evidence.client,
        "user_agent": one.evidence.user_agent,
    }


def _suppression(one: Suppression) -> Values:
    return {"reason": one.reason, "since": one.since, "detail": one.detail}


def _message(
    one: ProvedMessage, consents: Sequence[ConsentRecord], subject: str, tokens: Tokens
) -> Values:
    return {
        "number": one.id,
        "message_id_begins": f"{one.id}.{tokens.message_code(one.id, bool(one.marked))}",
        "sequence": one.sequence,
        "email": one.step,
        "kind": one.kind,
        "subject": subject,
        "revision": one.revision_number,
        "revision_digest": one.digest,
        "revision_published_at": one.published_at,
        "due_at": one.due_at,
        "claimed_at": one.claimed_at,
        "accepted_at": one.accepted_at,
        "reply_code": one.code,
        "status": one.status,
        "became": _BECAME.get(one.status, one.status),
        "allowed_because": list(allowed_by(one, consents)),
    }


def _subjects(
    connection: Connection, published: Published, sent: Iterable[ProvedMessage], name: str
) -> dict[int, str]:
    """Return the subject of each message, in the revision it was made from."""
    rows = list(sent)
    found = revisions.revisions_of(connection, {one.revision for one in rows})
    emails = {each.id: CompiledEmail.from_json(each.compiled) for each in found}
    return {one.id: subject_in(published, one.sequence, emails[one.revision], name) for one in rows}


def _plain(value: Any) -> Any:
    """Convert a value to plain JSON types."""
    match value:
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case list():
            return [_plain(one) for one in value]
        case datetime():
            return value.astimezone(UTC).isoformat()
    return value
