"""Putting people from an export together with those known here, a few hundred at once."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from nurture.domain.imports.carried import (
    LIST_FIELDS,
    UNREAD,
    CarriedAddress,
    CarriedPerson,
    plain,
)
from nurture.domain.imports.union import Said, filled_in, standing
from nurture.domain.reasons import Code, Reason
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.address import address_key
from nurture.domain.subscribers.bookings import booked_until
from nurture.domain.subscribers.consent import JOURNAL, read_scope, words_of
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.store.database import Connection
from nurture.store.queries.moves import everybody, returns
from nurture.store.tables import bookings, consents, suppressions
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.message_changes import cancel_steps
from nurture.store.tables.signups import signups
from nurture.store.tables.withdrawals import all_consents_withdrawn
from nurture.tokens import Tokens

Row = dict[str, Any]


@dataclass(slots=True)
class Met:
    """A person of the file, with what is known of them here, and what that changes."""

    brought: CarriedPerson
    address_hash: str
    known: Mapping[str, Any] | None
    id: int = 0
    changes: Row = field(default_factory=dict)
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class ReunionCounts:
    """How many people and addresses of a file did what to those here."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    held: int = 0
    suppressed: int = 0
    erased: int = 0


@dataclass(frozen=True, slots=True)
class Reunion:
    """One transaction that puts people together; each address may be given only once.

    The addresses, and the people who have them, must be locked.
    """

    connection: Connection
    tokens: Tokens
    now: datetime

    def bring(
        self, people: Sequence[CarriedPerson], addresses: Sequence[CarriedAddress]
    ) -> ReunionCounts:
        """Write down what is new about these people and addresses; return what it came to."""
        every = self._meet(people)
        before = suppressions.standing_since(self.connection, self._hashes(every, addresses))
        met = [one for one in every if one.known or not self._is_erased(one.brought.email, before)]
        self._add(met)
        held = self._enrol(met)
        self._append_consents(met)
        self._append_signups(met)
        self._append_bookings(met)
        suppressed = self._suppress(met, addresses, before)
        returns.change_people(self.connection, {one.id: one.changes for one in met if one.changes})
        known = [one for one in met if one.known]
        changed = [one.id for one in known if one.is_changed or one.changes]
        returns.decide_again(self.connection, changed, self.now)
        return ReunionCounts(
            added=len(met) - len(known),
            changed=len(changed),
            unchanged=len(known) - len(changed),
            held=held,
            suppressed=suppressed,
            erased=len(every) - len(met),
        )

    def _meet(self, people: Sequence[CarriedPerson]) -> list[Met]:
        known = returns.find_known(self.connection, [one.email for one in people])
        return [
            Met(one, here["address_hash"] if here else self._hash(one.email), here)
            for one in people
            for here in [known.get(one.email)]
        ]

    def _hash(self, email: str) -> str:
        return self.tokens.address_hash(address_key(email))

    def _hashes(self, met: Iterable[Met], addresses: Iterable[CarriedAddress]) -> set[str]:
        theirs = {each for one in met for each in self.tokens.address_hashes(one.brought.email)}
        return theirs | {one.address_hash for one in met} | _hashes_of(addresses)

    def _is_erased(self, email: str, standing_here: Collection[tuple[str, str]]) -> bool:
        """Return whether a person was erased here, and so must not come back."""
        hashes = self.tokens.address_hashes(email)
        return any((each, SuppressionReason.ERASED) in standing_here for each in hashes)

    def _add(self, met: Sequence[Met]) -> None:
        new = [one for one in met if one.known is None]
        withdrawn = self._withdrawn(new)
        rows = [
            {
                **one.brought.values,
                "address": one.brought.email,
                "address_hash": one.address_hash,
                "mailbox_hash": self.tokens.mailbox_hash(one.brought.email),
                "purposes": words_of(
                    standing(_said(one.brought.lists["consents"], withdrawn.get(one.address_hash)))
                ),
                # Signs of life stay behind, so that silence counts from now.
                "quiet_since": self.now,
            }
            for one in new
        ]
        numbers = returns.add_people(self.connection, rows)
        for one in met:
            if one.known is None:
                one.id = numbers[one.brought.email]
            else:
                one.id = one.known["id"]
                one.changes = filled_in(one.known, one.brought.values)

    def _withdrawn(self, met: Iterable[Met]) -> dict[str, list[tuple[str, datetime]]]:
        """Return what the journal says that these people withdrew, even if they are not known."""
        found: dict[str, list[tuple[str, datetime]]] = {}
        hashes = [one.address_hash for one in met]
        for whose, word, at in all_consents_withdrawn(self.connection, hashes):
            found.setdefault(whose, []).append((word, at))
        return found

    def _enrol(self, met: Sequence[Met]) -> int:
        """Enrol people where they were, and pass what they passed elsewhere; return how many wait.

        Of a sequence that they are in here as well, only what was passed counts: no email of it
        goes to anyone twice.
        """
        rows = everybody.rows_by_person(self.connection, enrolments, _known(met), [enrolments.c.id])
        here = {(p, one["sequence"]): one for p, several in rows.items() for one in several}
        new, passed, dropped = list[Row](), dict[int, frozenset[str]](), list[tuple[int, str]]()
        for one, brought in _each(met, "enrolments"):
            same = here.get((one.id, brought["sequence"]))
            if same is None:
                new.append({**brought, "subscriber_id": one.id})
            elif more := brought["passed"] - same["passed"]:
                passed[same["id"]] = same["passed"] | more
                dropped += [(same["id"], step) for step in sorted(more)]
            one.is_changed |= same is None or bool(more)
        returns.add_enrolments(self.connection, new, self.now)
        returns.pass_steps(self.connection, passed)
        cancel_steps(self.connection, dropped, Reason(Code.STEP_SKIPPED))
        return sum(row["status"] == EnrolmentStatus.ACTIVE for row in new)

    def _append_consents(self, met: Sequence[Met]) -> None:
        """Append the records that are not here, and follow all of them in the order of time."""
        here = consents.records_of(self.connection, _known(met))
        withdrawn = self._withdrawn([one for one in met if one.known])
        rows = []
        for one in met:
            mine = here.get(one.id, [])
            new = list(_missing("consents", one.brought.lists["consents"], mine))
            rows += [{**row, "subscriber_id": one.id} for row in new]
            if one.known and new:
                said = _said([*mine, *new], withdrawn.get(one.address_hash))
                newer = {word for word in one.known["purposes"] if read_scope(word) is None}
                _change(one, "purposes", words_of(standing(said)) | newer)
                if any(row["granted"] for row in new):
                    _change(one, "basis_unknown", False)
                one.is_changed = True
        consents.append_records(self.connection, rows)

    def _append_signups(self, met: Sequence[Met]) -> None:
        here = everybody.rows_by_person(self.connection, signups, _known(met), [signups.c.id])
        rows = []
        for one in met:
            new = _missing("signups", one.brought.lists["signups"], here.get(one.id, []))
            added = [{**row, "subscriber_id": one.id} for row in new]
            one.is_changed |= bool(added)
            rows += added
        returns.add_signups(self.connection, rows)

    def _append_bookings(self, met: Sequence[Met]) -> None:
        """Add what calendars reported there and, to people who are new here, what they did here."""
        keys = [row["source_key"] for _, row in _each(met, "bookings")]
        known = returns.known_sources(self.connection, keys)
        told, rows = set[int](), []
        for one, row in _each(met, "bookings"):
            if row["source_key"] not in known:
                whose = {"booker": one.address_hash if row["booker"] else None}
                rows.append({**row, **whose, "subscriber_id": one.id})
                told |= {one.id} if one.known else set()
        returns.add_bookings(self.connection, rows)
        told |= self._give_bookings(met)
        for one in met:
            if one.id in told:
                one.is_changed = True
                until = booked_until(bookings.told_of(self.connection, one.id))
                _change(one, "booked_until", until)

    def _give_bookings(self, met: Sequence[Met]) -> set[int]:
        hashes = self._hashes(met, [])
        waiting = returns.bookers_of_nobody(self.connection, hashes)
        given = set()
        for one in met:
            theirs = {one.address_hash, *self.tokens.address_hashes(one.brought.email)}
            if theirs & waiting:
                bookings.give_bookings_to(self.connection, theirs, one.id)
                given.add(one.id)
        return given

    def _suppress(
        self,
        met: Sequence[Met],
        addresses: Sequence[CarriedAddress],
        before: Mapping[tuple[str, str], datetime],
    ) -> int:
        """Add every reason that is not in force here; return for how many addresses alone."""
        hashes = {one.address_hash for one in met} | _hashes_of(addresses)
        lifted = suppressions.lifted_up_to(self.connection, hashes)
        numbers = returns.numbers_in(self.connection, [one.id for one in met])
        rows, remembered = [], list[Row]()
        for whose, lists, person in _subjects(met, addresses):
            for row in lists["suppressions"]:
                guide = numbers.get((person, row["guide_of"] or ""))
                new = {**row, "address_hash": whose, "guide_of": guide}
                if _counts(new, before, lifted):
                    rows.append(new)
            remembered += [
                {**row, "address_hash": whose}
                for row in lists["lifted"]
                if row["lifted_at"] > lifted.get((whose, row["reason"]), _NEVER)
            ]
        mailboxes = {one.address_hash: self.tokens.mailbox_hash(one.brought.email) for one in met}
        suppressions.suppress_as_elsewhere(self.connection, rows, mailboxes)
        suppressions.lift_as_elsewhere(self.connection, remembered)
        touched = {row["address_hash"] for row in (*rows, *remembered)}
        for one in met:
            one.is_changed |= one.address_hash in touched
        self._end_suppressed(met, addresses, before, {row["address_hash"] for row in rows})
        return len(touched & _hashes_of(addresses))

    def _end_suppressed(
        self,
        met: Sequence[Met],
        addresses: Sequence[CarriedAddress],
        before: Mapping[tuple[str, str], datetime],
        suppressed: Collection[str],
    ) -> None:
        """End what people have under way here who have just been suppressed.

        That is also what is brought of people whose address is suppressed here for another reason.
        """
        here = returns.find_by_hashes(self.connection, _hashes_of(addresses))
        people = {
            one.id: one.address_hash for one in met if self._is_to_end(one, before, suppressed)
        }
        people |= {number: whose for whose, number in here.items() if whose in suppressed}
        reasons: dict[str, set[str]] = {}
        for whose, reason in suppressions.standing_since(self.connection, set(people.values())):
            reasons.setdefault(whose, set()).add(reason)
        ended = {number: reasons[whose] for number, whose in people.items() if whose in reasons}
        returns.end_suppressed(self.connection, ended, self.now)

    def _is_to_end(
        self, one: Met, before: Mapping[tuple[str, str], datetime], suppressed: Collection[str]
    ) -> bool:
        if one.known:
            return one.address_hash in suppressed
        told = {row["reason"] for row in one.brought.lists["suppressions"]}
        return any(whose == one.address_hash and reason not in told for whose, reason in before)


_NEVER = datetime.min.replace(tzinfo=UTC)


def _hashes_of(addresses: Iterable[CarriedAddress]) -> set[str]:
    return {one.address_hash for one in addresses}


def _known(met: Iterable[Met]) -> list[int]:
    return [one.id for one in met if one.known]


def _each(met: Iterable[Met], name: str) -> Iterator[tuple[Met, Row]]:
    return ((one, row) for one in met for row in one.brought.lists[name])


def _change(one: Met, name: str, value: Any) -> None:
    """Note a column's new value, unless it is the one that is stored."""
    if one.known is None or one.known[name] != value:
        one.changes[name] = value


def _missing(name: str, brought: Iterable[Row], here: Iterable[Row]) -> Iterator[Row]:
    """Yield the records of a file that are not here, each as often as it is there."""
    left = Counter(_key(name, row) for row in here)
    for row in brought:
        key = _key(name, row)
        if left[key]:
            left[key] -= 1
        else:
            yield row


def _key(name: str, row: Mapping[str, Any]) -> str:
    return json.dumps([plain(row[one]) for one in LIST_FIELDS[name]], sort_keys=True)


def _said(
    records: Iterable[Mapping[str, Any]], withdrawn: Iterable[tuple[str, datetime]] | None
) -> list[Said]:
    """Return all that was said, with what only the journal knows of."""
    said = [
        Said(scope, row["granted"], row["recorded_at"], row["source"])
        for row in records
        if (scope := consents.scope_in(row))
    ]
    told = {(one.scope, one.at) for one in said if not one.granted}
    journal = [(read_scope(word), at) for word, at in withdrawn or ()]
    return said + [
        Said(scope, False, at, JOURNAL)
        for scope, at in journal
        if scope and (scope, at) not in told
    ]


def _subjects(
    met: Iterable[Met], addresses: Iterable[CarriedAddress]
) -> Iterator[tuple[str, Mapping[str, list[Row]], int]]:
    yield from ((one.address_hash, one.brought.lists, one.id) for one in met)
    yield from ((one.address_hash, one.lists, 0) for one in addresses)


def _counts(
    row: Row,
    before: Mapping[tuple[str, str], datetime],
    lifted: Mapping[tuple[str, str], datetime],
) -> bool:
    """Return whether a reason adds anything to what is in force here."""
    key = (row["address_hash"], row["reason"])
    if key in before:
        is_newer = suppressions.is_newer(row["reason"], row["since"], before[key])
        return is_newer and row["detail"] != UNREAD
    return key not in lifted or row["since"] >= lifted[key]
