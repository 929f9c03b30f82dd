"""This program's own export, read back: people with their proof, and where each journey was.

Nothing is sent because of it. What was under way comes in held, even where nothing was ever sent
before: the file may be old, and the installation it came from may still be sending.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from itertools import islice

from nurture.domain.imports.carried import (
    CarriedAddress,
    CarriedError,
    CarriedPerson,
    read_email,
    read_row,
    refusals_in,
)
from nurture.domain.subscribers.address import address_key
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.imports.reunion import Reunion, ReunionCounts
from nurture.store.database import Connection
from nurture.store.queries.moves import returns
from nurture.tokens import Tokens

#: Rows in one transaction: few enough that a signup hardly waits.
CHUNK = 500

#: Problems that are told in words; the others are only counted.
_TOLD = 20

Cells = Mapping[str, str]
Carried = CarriedPerson | CarriedAddress


@dataclass(frozen=True, slots=True)
class RestoredCounts:
    """What became of the rows of an export.

    `added`, `changed` and `unchanged` are people; `held` are the enrolments under way that wait for
    the owner. `suppressed` are addresses of which only the hash is known, `other_key` those whose
    hash another key has made, so that nobody can use it here. People who were `erased` here do not
    come back. Of rows that are `unreadable`, only refusals count; `problems` tells the first.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    held: int = 0
    suppressed: int = 0
    erased: int = 0
    other_key: int = 0
    unreadable: int = 0
    problems: tuple[str, ...] = ()

    def __add__(self, other: "RestoredCounts") -> "RestoredCounts":
        """Return the counts of both; only the first problems are kept."""
        sums = {
            one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)
        }
        return replace(RestoredCounts(**sums), problems=sums["problems"][:_TOLD])


def restore_people(
    connection: Connection, tokens: Tokens, rows: Iterable[Cells], now: datetime
) -> RestoredCounts:
    """Bring in rows of an export within one transaction, which should have no more than `CHUNK`.

    People who are not known here come with everything the file has. Of people who are, nothing is
    lost and nothing doubled: what is missing is added, the later consent or refusal counts, and no
    suppression is lifted. Doing it twice changes nothing.
    """
    counts = RestoredCounts()
    left = iter(rows)
    while chunk := list(islice(left, CHUNK)):
        counts += _restore(connection, tokens, chunk, now)
    return counts


def _restore(
    connection: Connection, tokens: Tokens, rows: list[Cells], now: datetime
) -> RestoredCounts:
    read, problems = _read(tokens, rows, now)
    foreign = [one for one in read if _is_of_other_key(one, tokens)]
    carried = [one for one in read if not _is_of_other_key(one, tokens)]
    counts = RestoredCounts(
        other_key=len(foreign), unreadable=len(problems), problems=tuple(problems)
    )
    emails = [one.email for one in carried if isinstance(one, CarriedPerson)]
    hashes = {each for email in emails for each in tokens.address_hashes(email)}
    hashes |= {one.address_hash for one in carried if isinstance(one, CarriedAddress)}
    returns.hold_known(connection, hashes, emails)
    reunion = Reunion(connection, tokens, now)
    for people, addresses in _passes(carried):
        counts += _as_restored(reunion.bring(people, addresses))
    return counts


def _as_restored(counts: ReunionCounts) -> RestoredCounts:
    return RestoredCounts(**asdict(counts))


def _read(tokens: Tokens, rows: Iterable[Cells], now: datetime) -> tuple[list[Carried], list[str]]:
    """Return what can be read, and a sentence for each row that cannot.

    Of such a row, the reasons why its address is not emailed count anyway.
    """
    read, problems = list[Carried](), []
    for cells in rows:
        try:
            read.append(read_row(cells))
        except CarriedError as error:
            problems.append(str(error))
            read += _refusals(tokens, cells, now)
    return read, problems


def _refusals(tokens: Tokens, cells: Cells, now: datetime) -> Iterator[CarriedAddress]:
    reasons = refusals_in(cells, now)
    try:
        email = read_email(cells)
    except CarriedError:
        return
    refused = [one for one in reasons if one["reason"] != SuppressionReason.BOUNCED]
    told = {tokens.address_hash(address_key(email)): reasons}
    if mailbox_hash := tokens.mailbox_hash(email):
        told[mailbox_hash] = refused
    for address_hash, why in told.items():
        if why:
            lists = {"suppressions": why, "lifted": []}
            yield CarriedAddress(address_hash, tokens.key_mark, lists)


def _is_of_other_key(one: Carried, tokens: Tokens) -> bool:
    return isinstance(one, CarriedAddress) and one.key_mark != tokens.key_mark


def _passes(carried: Iterable[Carried]) -> list[tuple[list[CarriedPerson], list[CarriedAddress]]]:
    """Return the rows in groups in which each address stands only once, in their order."""
    passes: list[tuple[list[CarriedPerson], list[CarriedAddress]]] = []
    seen: dict[str, int] = {}
    for one in carried:
        key = address_key(one.email) if isinstance(one, CarriedPerson) else one.address_hash
        place = seen[key] = seen.get(key, -1) + 1
        if place == len(passes):
            passes.append(([], []))
        people, addresses = passes[place]
        if isinstance(one, CarriedPerson):
            people.append(one)
        else:
            addresses.append(one)
    return passes
