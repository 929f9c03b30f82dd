"""Bearings: what the table of the right to write asks about people, as the database reads it.

People of one bearing are equal before the table. A bearing is two columns: the words of what they
agree to, and a sum of marks for everything else. The conditions are those that the domain asks of
one person, and a property holds the two together.
"""

import operator
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

import sqlalchemy as sa

from nurture.domain.scheduling.gate import UNTIL_RESUMED, Standing
from nurture.domain.subscribers.bookings import NOT_CANCELLED
from nurture.domain.subscribers.suppression import SuppressionReason, strongest
from nurture.store.tables.subscribers import FORM, as_consents, subscribers
from nurture.store.tables.suppressions import COUNTS_FOR_SUBSCRIBER, suppressions
from nurture.store.types import UtcDateTime


@dataclass(frozen=True, slots=True)
class Bearing:
    """Everything about a person that the table of the right to write asks.

    `purposes` are the stored words of what they agree to.
    """

    purposes: str
    is_confirmed: bool = True
    is_unknown: bool = False
    is_client: bool = False
    may_as_client: bool = False
    is_paused: bool = False
    is_booked: bool = False
    suppressed: frozenset[SuppressionReason] = frozenset()

    @property
    def words(self) -> frozenset[str]:
        """The words of what they agree to."""
        return frozenset(self.purposes.split())

    @property
    def standing(self) -> Standing:
        """What the table asks, at the moment at which the bearing was read."""
        return Standing(
            as_consents(self.words),
            strongest(self.suppressed),
            paused_until=UNTIL_RESUMED if self.is_paused else None,
            bounces=SuppressionReason.BOUNCED in self.suppressed,
            booked_until=NOT_CANCELLED if self.is_booked else None,
            is_confirmed=self.is_confirmed,
            is_unknown=self.is_unknown,
            is_client=self.is_client,
            may_as_client=self.may_as_client,
        )


#: The words of what a person agrees to, as they are stored.
PURPOSES = sa.type_coerce(subscribers.c.purposes, sa.Text).label("purposes")

#: The columns that are true or false of a person, each with a mark of its own, and after them the
#: reasons for which an address may be suppressed.
_FLAGS = ("is_confirmed", "is_unknown", "is_client", "may_as_client", "is_paused", "is_booked")
_REASONS = tuple(SuppressionReason)


def marks_at(now: datetime) -> sa.ColumnElement[int]:
    """Return what a row of `subscribers` says, as a sum of powers of two in the order of `_FLAGS`.

    The conditions are those that the domain asks of one person.
    """
    s = subscribers.c
    moment = sa.literal(NOT_CANCELLED, UtcDateTime)
    each = (
        s.confirmed_at.is_not(None) | (s.came_by != FORM),
        s.basis_unknown,
        s.client_since.is_not(None) & s.client_until.is_(None),
        s.client_basis_at.is_not(None),
        s.paused_until > now,
        s.booked_until == moment,
    )
    return _sum(sa.case((is_so, 1 << place), else_=0) for place, is_so in enumerate(each))


def barred() -> sa.Select[Any]:
    """Select why each suppressed address may not be written to, in marks that follow the flags.

    A reason that only a newer program knows is read as a complaint, as everywhere.
    """
    marks = _marks()
    hashed = subscribers.c.address_hash.label("address_hash")
    found = sa.join(suppressions, subscribers, COUNTS_FOR_SUBSCRIBER)
    return sa.select(hashed, marks.label("marks")).select_from(found).group_by(hashed)


def _marks() -> sa.ColumnElement[int]:
    return _sum(
        sa.func.max(sa.case((_is_for(one), 1 << place), else_=0))
        for place, one in enumerate(_REASONS, len(_FLAGS))
    )


def _is_for(one: SuppressionReason) -> sa.ColumnElement[bool]:
    reason = suppressions.c.reason
    if one is not SuppressionReason.COMPLAINED:
        return reason == one
    return reason.not_in([other for other in _REASONS if other is not one])


def barred_marks() -> sa.ColumnElement[int]:
    """Return the same marks of one address, which is quicker where few people are read."""
    found = sa.select(_marks()).where(COUNTS_FOR_SUBSCRIBER).correlate(subscribers)
    return sa.func.coalesce(found.scalar_subquery(), 0)


def are_of(
    bearings: Collection[Bearing],
    marks: sa.ColumnElement[int],
    purposes: sa.ColumnElement[str] = PURPOSES,
) -> sa.ColumnElement[bool]:
    """Return the condition that a person who has these marks and words has one of the bearings."""
    return sa.tuple_(purposes, marks).in_([(one.purposes, _marks_of(one)) for one in bearings])


def _sum(parts: Iterable[sa.ColumnElement[int]]) -> sa.ColumnElement[int]:
    first, *others = parts
    return reduce(operator.add, others, first)


def _marks_of(one: Bearing) -> int:
    flags = [bool(getattr(one, name)) for name in _FLAGS]
    reasons = [reason in one.suppressed for reason in _REASONS]
    return sum(is_so << place for place, is_so in enumerate((*flags, *reasons)))


def bearing_of(purposes: str, marks: int) -> Bearing:
    """Return a bearing from its two columns."""
    return Bearing(
        purposes,
        **{name: bool(marks >> place & 1) for place, name in enumerate(_FLAGS)},
        suppressed=frozenset(
            reason for place, reason in enumerate(_REASONS, len(_FLAGS)) if marks >> place & 1
        ),
    )
