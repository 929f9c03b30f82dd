"""The one table that says whether a person may be sent something, and the reason if not.

`docs/right-to-write.md` shows the same table with the law behind each row. The gate asks it before
every email, and so do the reviews and explanations.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from nurture.domain.reasons import Code, Reason
from nurture.domain.rights.basis import Basis
from nurture.domain.rights.mailing import Mailing
from nurture.domain.sequences.enrolment import EndReason
from nurture.domain.subscribers.consent import Consents, Purpose, Scope


class SubscriberState(StrEnum):
    """What a person is to the practice; one may be in several states, and the strictest counts."""

    ERASED = "erased"
    COMPLAINED = "complained"
    #: Their address came with a list that does not say that they agreed to anything.
    IMPORTED_UNKNOWN = "imported-unknown"
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    #: They filled in a form, and have not confirmed that the address is theirs.
    UNCONFIRMED = "unconfirmed"
    PAUSED = "paused"
    CLIENT = "client"
    BOOKED = "booked"
    ACTIVE = "active"


class Permission(StrEnum):
    """The answer of the table."""

    YES = "yes"
    NO = "no"
    LATER = "later"


_ORDER = (
    Mailing.GUIDE,
    Mailing.REMINDER,
    Mailing.SERIES,
    Mailing.INVITATION,
    Mailing.ARTICLES,
    Mailing.NEWS,
    Mailing.STILL_THERE,
    Mailing.PERSONAL,
    Mailing.ANSWER,
    Mailing.OWN_DATA,
)

#: What people's state allows, in the order of `_ORDER`. The guide of a bounced person is the one
#: that they asked for after the bounce; any other is refused.
_BY_STATE: Mapping[SubscriberState, str] = {
    SubscriberState.ERASED: "          no  no    no    no    no    no    no    no    no  no ",
    SubscriberState.COMPLAINED: "      no  no    no    no    no    no    no    no    no  yes",
    SubscriberState.IMPORTED_UNKNOWN: "no  no    no    no    no    no    no    no    no  no ",
    SubscriberState.BOUNCED: "         yes no    no    no    no    no    no    no    no  no ",
    SubscriberState.UNSUBSCRIBED: "    no  no    no    no    no    no    no    no    yes yes",
    SubscriberState.UNCONFIRMED: "     yes yes   no    no    no    no    no    no    no  yes",
    SubscriberState.PAUSED: "          yes later later later later later later later yes yes",
    SubscriberState.CLIENT: "          yes yes   yes   no    yes   yes   yes   yes   yes yes",
    SubscriberState.BOOKED: "          yes yes   yes   no    yes   yes   yes   yes   yes yes",
    SubscriberState.ACTIVE: "          yes yes   yes   yes   yes   yes   yes   yes   yes yes",
}

#: What the basis `client` covers besides what was asked for: news and invitations of the practice,
#: which are about services of its own.
TO_CLIENTS = frozenset({Mailing.NEWS, Mailing.INVITATION})

#: Nobody needs to have agreed to these: they answer what the person asked for or said, or are the
#: correspondence of two people.
_NEEDS_NO_BASIS = frozenset({Mailing.PERSONAL, Mailing.ANSWER, Mailing.OWN_DATA})

_TABLE: Mapping[SubscriberState, Mapping[Mailing, Permission]] = {
    state: dict(zip(_ORDER, map(Permission, row.split()), strict=True))
    for state, row in _BY_STATE.items()
}

_WHY: Mapping[SubscriberState, Code | EndReason] = {
    SubscriberState.ERASED: EndReason.ERASED,
    SubscriberState.COMPLAINED: EndReason.COMPLAINED,
    SubscriberState.IMPORTED_UNKNOWN: Code.AGREED_TO_NOTHING_KNOWN,
    SubscriberState.UNSUBSCRIBED: EndReason.UNSUBSCRIBED,
    SubscriberState.BOUNCED: EndReason.BOUNCED,
    SubscriberState.UNCONFIRMED: Code.NOT_CONFIRMED,
    SubscriberState.PAUSED: Code.THEY_ARE_PAUSED,
    SubscriberState.CLIENT: Code.ARE_A_CLIENT,
    SubscriberState.BOOKED: Code.HAVE_SESSION,
}


@dataclass(frozen=True, slots=True)
class Permitted:
    """Whether something may be sent, on which basis, and the state or the reason against it."""

    answer: Permission
    basis: Basis | None = None
    state: SubscriberState | None = None
    why: Reason | None = None


def may_write(
    mailing: Mailing,
    scope: Scope | None,
    consents: Consents,
    states: Collection[SubscriberState],
    *,
    is_client_basis: bool = False,
    guide_on_trial: bool = False,
) -> Permitted:
    """Return whether that may be sent to a person in these states, and why not.

    `scope` is what they must have agreed to, if anything; the basis `client` takes the place of it
    for news and invitations. `guide_on_trial` says that they asked for this guide after a bounce.
    """
    by_state = [(_by_state(mailing, state, guide_on_trial), state) for state in _strictest(states)]
    if refused := next((state for answer, state in by_state if answer is Permission.NO), None):
        return Permitted(Permission.NO, state=refused, why=Reason(_WHY[refused]))
    basis = _basis(mailing, scope, consents, is_client_basis)
    if basis is None and mailing not in _NEEDS_NO_BASIS:
        purpose = scope.purpose if scope else Purpose.SERIES
        why = Reason(Code.NO_CONSENT_FOR, purpose=purpose)
        return Permitted(Permission.NO, why=why)
    if later := next((state for answer, state in by_state if answer is Permission.LATER), None):
        return Permitted(Permission.LATER, basis, later, Reason(_WHY[later]))
    return Permitted(Permission.YES, basis)


def _by_state(mailing: Mailing, state: SubscriberState, guide_on_trial: bool) -> Permission:
    if state is SubscriberState.BOUNCED and mailing is Mailing.GUIDE and not guide_on_trial:
        return Permission.NO
    return _TABLE[state][mailing]


_STRICTEST_FIRST, _ONLY_ACTIVE = list(SubscriberState), [SubscriberState.ACTIVE]


def _strictest(states: Collection[SubscriberState]) -> list[SubscriberState]:
    # Most people are active and nothing else, and every due email asks.
    return sorted(states, key=_STRICTEST_FIRST.index) if states else _ONLY_ACTIVE


def _basis(
    mailing: Mailing, scope: Scope | None, consents: Consents, is_client_basis: bool
) -> Basis | None:
    if mailing is Mailing.STILL_THERE:
        return Basis.CONSENT if consents.streams else None
    if scope is not None and scope in consents:
        return Basis.CONSENT
    return Basis.CLIENT if is_client_basis and mailing in TO_CLIENTS else None


def table_rows() -> list[list[str]]:
    """Return the table as it is documented: a head, and a row for each state."""
    head = ["state", *map(str, _ORDER)]
    rows = [[str(_TABLE[state][one]) for one in _ORDER] for state in SubscriberState]
    return [head, *([str(state), *row] for state, row in zip(SubscriberState, rows, strict=True))]
