"""What each row of a list is worth in law, and why.

The rules follow PECR regulation 22 and articles 4(11) and 7(1) of the UK GDPR: consent counts if
one can show when and how it was given, and soft opt-in if there was a sale, a known date, and a way
out. A refusal overrides everything, and anything in doubt is unknown: nobody may be emailed about
an unknown row, not even with a question.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network

from nurture.domain.imports.row import AddressFault, ImportRow, RowState
from nurture.domain.imports.statement import Statement


class Pile(StrEnum):
    """What a row is worth, in the order in which an owner reads them."""

    EVIDENCE = "evidence"
    STATED = "stated"
    CLIENT = "client"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"
    MISTAKES = "mistakes"


class PileReason(StrEnum):
    """Why a row is in its pile; of several rows in one pile, the earlier reason is named."""

    OPTED_IN_FROM_NETWORK = "opted_in_from_network"
    OPTED_IN_IN_WORDS = "opted_in_in_words"
    OPTED_IN_ON_PAGE = "opted_in_on_page"
    OPTED_IN_BY_FORM = "opted_in_by_form"
    CONFIRMED_BY_CLICK = "confirmed_by_click"
    STATED_BY_OWNER = "stated_by_owner"
    BOUGHT_WITH_WAY_OUT = "bought_with_way_out"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    CLEANED = "cleaned"
    BOUNCED = "bounced"
    NEVER_OPTED_IN = "never_opted_in"
    NEVER_CONFIRMED = "never_confirmed"
    STATUS_UNREADABLE = "status_unreadable"
    IMPLAUSIBLE_TIME = "implausible_time"
    OUTSIDE_STATEMENT = "outside_statement"
    NO_DATE_FOR_STATEMENT = "no_date_for_statement"
    NO_WAY_OUT = "no_way_out"
    SALE_INCOMPLETE = "sale_incomplete"
    WHEN_WITHOUT_HOW = "when_without_how"
    ONLY_CONFIRMED = "only_confirmed"
    NOTHING_KNOWN = "nothing_known"
    ADDRESS_MISSING = "address_missing"
    ADDRESS_IMPOSSIBLE = "address_impossible"
    ADDRESSES_SEVERAL = "addresses_several"


SENTENCES: Mapping[PileReason, str] = {
    PileReason.OPTED_IN_FROM_NETWORK: "The list says when they opted in, and from which network.",
    PileReason.OPTED_IN_IN_WORDS: "The list says when they opted in, and to which words.",
    PileReason.OPTED_IN_ON_PAGE: "The list says when they opted in, and on which page.",
    PileReason.OPTED_IN_BY_FORM: "The list says when they opted in, and with which form.",
    PileReason.CONFIRMED_BY_CLICK: (
        "The list says from which network they signed up, and when and from where they clicked to "
        "confirm it."
    ),
    PileReason.STATED_BY_OWNER: (
        "You said in which words, where and between which days they agreed, and the list has a "
        "date between those days."
    ),
    PileReason.BOUGHT_WITH_WAY_OUT: (
        "They bought from you on a known date, and were offered a way out of emails then."
    ),
    PileReason.COMPLAINED: "They reported an email as spam.",
    PileReason.UNSUBSCRIBED: "They unsubscribed.",
    PileReason.BOUNCED: "Emails to this address came back.",
    PileReason.CLEANED: "The other program gave this address up, as a rule because emails bounced.",
    PileReason.NEVER_OPTED_IN: "The list says that they never opted in.",
    PileReason.NEVER_CONFIRMED: "They never confirmed that they wanted the emails.",
    PileReason.STATUS_UNREADABLE: "The list gives them a status whose meaning is not known.",
    PileReason.IMPLAUSIBLE_TIME: (
        "The list has a time of opting in that cannot be right, so that it proves nothing."
    ),
    PileReason.OUTSIDE_STATEMENT: "Their date lies outside the days that you named.",
    PileReason.NO_DATE_FOR_STATEMENT: (
        "The list has no date for them, so that nothing shows that your words were there then."
    ),
    PileReason.NO_WAY_OUT: (
        "They bought from you, but nothing says that they were offered a way out of emails then."
    ),
    PileReason.SALE_INCOMPLETE: "Nothing says both what they bought and when.",
    PileReason.WHEN_WITHOUT_HOW: "The list says when they opted in, but not how.",
    PileReason.ONLY_CONFIRMED: (
        "The list has only a time of confirmation, which programs also fill in for imported people."
    ),
    PileReason.NOTHING_KNOWN: "Nothing says when and how they agreed.",
    PileReason.ADDRESS_MISSING: "There is no address in the row.",
    PileReason.ADDRESS_IMPOSSIBLE: "What stands in the row cannot be an address.",
    PileReason.ADDRESSES_SEVERAL: "There is more than one address in the cell.",
}

_FAULTS = {
    AddressFault.MISSING: PileReason.ADDRESS_MISSING,
    AddressFault.IMPOSSIBLE: PileReason.ADDRESS_IMPOSSIBLE,
    AddressFault.SEVERAL: PileReason.ADDRESSES_SEVERAL,
}
_STATES = {
    RowState.NONSUBSCRIBED: PileReason.NEVER_OPTED_IN,
    RowState.UNCONFIRMED: PileReason.NEVER_CONFIRMED,
    RowState.UNREADABLE: PileReason.STATUS_UNREADABLE,
}

#: Nobody signed up for a newsletter on a web page before.
_FIRST_SIGNUPS = datetime(1995, 1, 1, tzinfo=UTC)

#: A clock that is wrong by less has not made the time up, nor has an unknown time zone.
_CLOCKS_DIFFER = timedelta(days=1)

#: Everybody's own network, from which a form's visitor cannot have come: a proxy in between hid who
#: it was, or the program wrote down itself.
_NOBODYS = tuple(
    map(
        ip_network,
        ("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12")
        + ("192.168.0.0/16", "::/127", "fc00::/7", "fe80::/10"),
    )
)

#: What programs write for a form if there was none.
_NO_FORMS = re.compile(
    r"import|migrat|upload|copied|added by|manual|unknown|n/a"
    r"|(?<![^\W\d_])(?:csv|api|admin|none|null|copy|paste[ds]?)(?![^\W\d_])"
)
#: What says only that there is consent, and not to which words.
_NO_WORDS = frozenset(
    {"yes", "y", "true", "1", "ja", "oui", "si", "sí", "x", "on", "ok", "opt-in", "yes please"}
    | {"opt in", "opted in", "agreed", "granted", "given", "accepted", "consented", "subscribed"}
    | {"ticked", "checked"}
)


@dataclass(frozen=True, slots=True)
class Sorted:
    """The pile of a row, and why; `sentence` says it in plain English."""

    pile: Pile
    reason: PileReason

    @property
    def sentence(self) -> str:
        """The reason as a sentence for the owner."""
        return SENTENCES[self.reason]


def pile_of(row: ImportRow, statement: Statement, now: datetime) -> Sorted:
    """Return what a row is worth, given the owner's statement about the whole list."""
    if row.fault is not None or not row.address:
        return Sorted(Pile.MISTAKES, _FAULTS[row.fault or AddressFault.MISSING])
    if row.state.is_refusal:
        return Sorted(Pile.SUPPRESSED, PileReason(row.state.value))
    if row.state in _STATES:
        return Sorted(Pile.UNKNOWN, _STATES[row.state])
    if (proof := _proof(row, now)) is not None:
        return Sorted(Pile.EVIDENCE, proof)
    if _is_stated(row, statement, now):
        return Sorted(Pile.STATED, PileReason.STATED_BY_OWNER)
    if _is_client(row, statement, now):
        return Sorted(Pile.CLIENT, PileReason.BOUGHT_WITH_WAY_OUT)
    return Sorted(Pile.UNKNOWN, _what_is_lacking(row, statement, now))


def is_plausible(moment: datetime | None, now: datetime) -> bool:
    """Return whether anyone can have opted in or bought at that time, as far as the time says."""
    return moment is not None and _FIRST_SIGNUPS <= moment <= now + _CLOCKS_DIFFER


def names_network(text: str) -> bool:
    """Return whether this is the network address of someone on the internet."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return not any(mapped in network for network in _NOBODYS if network.version == mapped.version)


def _proof(row: ImportRow, now: datetime) -> PileReason | None:
    """Return by what the row itself shows when and how someone opted in, if it does.

    A time of confirmation alone shows nothing. With the network of the signup and that of the
    click, it does: both exist only if a form was sent and the link in the email was followed.
    """
    if is_plausible(row.opted_in_at, now) and (how := _how(row)):
        return how
    clicked = names_network(row.opted_in_ip) and names_network(row.confirmed_ip)
    if row.opted_in_at is None and clicked and is_plausible(row.confirmed_at, now):
        return PileReason.CONFIRMED_BY_CLICK
    return None


def _how(row: ImportRow) -> PileReason | None:
    if names_network(row.opted_in_ip):
        return PileReason.OPTED_IN_FROM_NETWORK
    if row.wording and row.wording.strip(" .!").casefold() not in _NO_WORDS:
        return PileReason.OPTED_IN_IN_WORDS
    if "/" in row.page_url or "." in row.page_url:
        return PileReason.OPTED_IN_ON_PAGE
    form = row.form.casefold()
    if form and not _NO_FORMS.search(form):
        return PileReason.OPTED_IN_BY_FORM
    return None


def _is_stated(row: ImportRow, statement: Statement, now: datetime) -> bool:
    moment = _date_of(row)
    inside = moment is not None and is_plausible(moment, now) and statement.includes(moment)
    return statement.is_of_consent and inside


def _date_of(row: ImportRow) -> datetime | None:
    """Return when the row says that someone came; confirming comes last, as imports fill it."""
    return row.opted_in_at or row.joined_at or row.confirmed_at


def _is_client(row: ImportRow, statement: Statement, now: datetime) -> bool:
    return _has_bought(row, statement, now) and _had_way_out(row, statement)


def _has_bought(row: ImportRow, statement: Statement, now: datetime) -> bool:
    """Return whether it is known what they bought and when.

    A date of the row counts before the days of the statement, which hold where there is none.
    """
    what = row.bought or (statement.client and statement.bought.strip())
    if row.bought_at is not None:
        return bool(what) and is_plausible(row.bought_at, now)
    return bool(what) and statement.client and statement.names_days


def _had_way_out(row: ImportRow, statement: Statement) -> bool:
    """Return whether a way out was offered; the row's own word counts before the owner's."""
    if row.way_out_offered is not None:
        return row.way_out_offered
    return statement.client and statement.way_out_offered


def _what_is_lacking(row: ImportRow, statement: Statement, now: datetime) -> PileReason:
    """Return the reason for which an owner can do most."""
    moment = _date_of(row)
    if row.opted_in_at is not None and not is_plausible(row.opted_in_at, now):
        return PileReason.IMPLAUSIBLE_TIME
    if statement.is_of_consent:
        return PileReason.OUTSIDE_STATEMENT if moment else PileReason.NO_DATE_FOR_STATEMENT
    if row.bought or row.bought_at or statement.client:
        complete = _has_bought(row, statement, now)
        return PileReason.NO_WAY_OUT if complete else PileReason.SALE_INCOMPLETE
    if row.opted_in_at:
        return PileReason.WHEN_WITHOUT_HOW
    return PileReason.ONLY_CONFIRMED if row.confirmed_at else PileReason.NOTHING_KNOWN
