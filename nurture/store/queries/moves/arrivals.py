"""Arrivals: what is known of many addresses at once, and writing many people down at once.

Everything here takes a few hundred people and a handful of statements, in the order of locks.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nurture.domain.imports.changes import Acquaintance
from nurture.domain.known_words import known
from nurture.domain.subscribers.address import address_keys
from nurture.domain.subscribers.consent import (
    EVIDENCE,
    STATED,
    Consents,
    Scope,
    read_scope,
    words_of,
)
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.store.database import insert_new
from nurture.store.queries import locks
from nurture.store.tables.consents import records_among, refused_in
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.imports import brought_by, in_other_imports, proved_by_file
from nurture.store.tables.restores import numbered
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import FORM, IMPORT, as_consents, subscribers
from nurture.store.tables.suppressions import lifted_up_to, standing_since
from nurture.store.tables.withdrawals import all_consents_withdrawn

_PERSON = subscribers.c


@dataclass(frozen=True, slots=True)
class MetAddress:
    """What is known of one address; `hashes` are its keyed hashes, the current one first.

    `words` are the person's consents as stored, and `is_done` says that this import has dealt with
    them already.
    """

    hashes: tuple[str, ...]
    known: Acquaintance
    words: frozenset[str] = field(default_factory=frozenset)
    is_done: bool = False
    mailbox_hash: str | None = None

    @property
    def address_hash(self) -> str:
        """The hash under which the address is suppressed."""
        return self.hashes[0]


def meet(
    connection: sa.Connection,
    hashes: Mapping[str, tuple[str, ...]],
    digest: str,
    number: int | None,
    mailboxes: Mapping[str, str | None],
) -> dict[str, MetAddress]:
    """Return what is known of each address; `hashes` are those of each, by `address_key`.

    `mailboxes` are the hashes of those mailboxes that are spelt differently. Lock the addresses and
    their people, unless no import has the `number`: then it is only looked.
    """
    if number is not None:
        locks.hold_addresses(connection, (one[0] for one in hashes.values()))
    of_key = {key: address for address in hashes for key in address_keys(address)}
    rows = _people(connection, of_key, lock=number is not None)
    people = [row["id"] for row in rows.values()]
    every = [one for each in hashes.values() for one in each]
    boxes = [one for one in mailboxes.values() if one]
    done = brought_by(connection, number, people) if number is not None else set()
    facts = _Facts(
        suppressed=_by_hash(standing_since(connection, [*every, *boxes])),
        lifted=_by_hash(lifted_up_to(connection, every)),
        withdrawn=_withdrawn(connection, every),
        refused={n: refused_in(r) for n, r in records_among(connection, people).items()},
        proved=proved_by_file(connection, digest, people),
    )
    return {
        address: _met(theirs, mailboxes.get(address), rows.get(address), facts, done)
        for address, theirs in hashes.items()
    }


def _by_hash(known_of: Mapping[tuple[str, str], datetime]) -> dict[str, dict[str, datetime]]:
    found: dict[str, dict[str, datetime]] = {}
    for (address_hash, reason), at in known_of.items():
        found.setdefault(address_hash, {})[reason] = at
    return found


def _withdrawn(connection: sa.Connection, hashes: Sequence[str]) -> dict[str, set[str]]:
    """Return what was ever withdrawn from these addresses, even by people not known any more."""
    found: dict[str, set[str]] = {}
    for address_hash, word, _ in all_consents_withdrawn(connection, hashes):
        found.setdefault(address_hash, set()).add(word)
    return found


@dataclass(frozen=True, slots=True)
class _Facts:
    suppressed: Mapping[str, Mapping[str, datetime]]
    lifted: Mapping[str, Mapping[str, datetime]]
    withdrawn: Mapping[str, set[str]]
    refused: Mapping[int, frozenset[Scope]]
    proved: set[int]


def _people(
    connection: sa.Connection, of_key: Mapping[str, str], *, lock: bool
) -> dict[str, sa.RowMapping]:
    """Return the rows of the people with these keys, by address, as they are once locked."""
    theirs = sa.select(_PERSON.id).where(_PERSON.address_key.in_(list(of_key)))
    numbers = list(connection.scalars(theirs))
    if lock:
        locks.hold_people(connection, numbers)
    chosen = sa.select(subscribers).where(_PERSON.id.in_(numbers), ~_PERSON.erased)
    rows = connection.execute(chosen.order_by(_PERSON.id)).mappings()
    return {of_key[row["address_key"]]: row for row in rows if row["address_key"] in of_key}


def _met(
    hashes: tuple[str, ...],
    mailbox: str | None,
    row: sa.RowMapping | None,
    facts: _Facts,
    done: Collection[int],
) -> MetAddress:
    own = tuple(dict.fromkeys((row["address_hash"], *hashes))) if row else hashes
    withdrawn = {word for one in own for word in facts.withdrawn.get(one, ())}
    refused = frozenset(filter(None, map(read_scope, withdrawn)))
    lifted = [pair for one in own for pair in facts.lifted.get(one, {}).items()]
    stranger = Acquaintance(
        refused=refused,
        # A reason that only a newer program knows counts as one that nobody can lift.
        suppressed=frozenset(
            known(SuppressionReason, word, SuppressionReason.COMPLAINED)
            for word in _reasons(own, mailbox, facts.suppressed)
        ),
        lifted={why: at for word, at in lifted if (why := known(SuppressionReason, word, None))},
    )
    if row is None:
        return MetAddress(own, stranger, mailbox_hash=mailbox)
    number = row["id"]
    person = replace(
        stranger,
        person=number,
        first_name=row["first_name"],
        last_name=row["last_name"],
        phone=row["phone"],
        confirmed_at=row["confirmed_at"],
        came_by_form=row["came_by"] == FORM,
        basis_unknown=row["basis_unknown"],
        was_client=row["client_since"] is not None,
        consents=as_consents(row["purposes"]),
        refused=refused | facts.refused.get(number, frozenset()),
        has_proof=number in facts.proved,
    )
    return MetAddress(own, person, row["purposes"], number in done, mailbox)


def _reasons(
    own: Collection[str], mailbox: str | None, standing: Mapping[str, Collection[str]]
) -> set[str]:
    """Return why an address is not emailed; a bounce of another spelling is no reason."""
    refused = set(standing.get(mailbox, ())) if mailbox else set[str]()
    reasons = {word for one in own for word in standing.get(one, ())}
    return reasons | (refused - {SuppressionReason.BOUNCED})


def add_people(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Add people who came with a list; return the number of each by `address_key`."""
    given = [{"came_by": IMPORT, **row} for row in rows]
    added = insert_new(
        connection, subscribers, numbered(connection, subscribers, given), "id", "address_key"
    )
    return {row.address_key: row.id for row in added}


def change_people(connection: sa.Connection, values: Mapping[int, Mapping[str, Any]]) -> None:
    """Set columns of many locked people, each with a statement for those with the same columns."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for person, own in values.items():
        row = {f"new_{name}": value for name, value in own.items()}
        alike.setdefault(tuple(sorted(own)), []).append(row | {"person": person})
    for names, rows in alike.items():
        set_to: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
        if names:
            connection.execute(
                sa.update(subscribers).where(_PERSON.id == sa.bindparam("person")).values(set_to),
                rows,
            )


def find_people_rows(connection: sa.Connection, people: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Return the rows of these people who are not erased."""
    chosen = sa.select(subscribers).where(_PERSON.id.in_(list(people)), ~_PERSON.erased)
    return {row["id"]: dict(row) for row in connection.execute(chosen).mappings()}


def with_own_standing(
    connection: sa.Connection, number: int, started: Mapping[int, str]
) -> set[int]:
    """Return which of the people that an import added are here for another reason as well.

    `started` has the sequence that each began with the import, or an empty text.
    """
    people = set(started)
    e = enrolments.c
    under_way = sa.select(e.subscriber_id, e.sequence).where(e.subscriber_id.in_(people))
    own = in_other_imports(connection, number, people)
    own |= {who for who, key in connection.execute(under_way) if key != started[who]}
    signed_up = sa.select(signups.c.subscriber_id).where(signups.c.subscriber_id.in_(people))
    own |= set(connection.scalars(signed_up))
    sources = {f"{EVIDENCE}:{number}", f"{STATED}:{number}"}
    for person, records in records_among(connection, people).items():
        if any(one.source not in sources for one in records):
            own.add(person)
    return own


def words_after(words: frozenset[str], consents: Consents) -> frozenset[str]:
    """Return the words to store for consents, with any that only a newer program knows."""
    return words_of(consents) | {word for word in words if read_scope(word) is None}
