"""Bases: what gives the practice the right to email a person."""

from enum import StrEnum

from nurture.domain.subscribers.consent import EVIDENCE, STATED, ConsentRecord


class Basis(StrEnum):
    """The right to write marketing to a person; being a client is a state and gives none."""

    #: They agreed to it (PECR reg. 22(2)).
    CONSENT = "consent"
    #: They bought something, and could say no then and can in every email (PECR reg. 22(3)).
    CLIENT = "client"


class Strength(StrEnum):
    """How well a consent is proved, strongest first."""

    #: Given in a form, and the address was confirmed by its owner.
    CONFIRMED = "confirmed"
    #: Given in a form that anyone could have filled in with that address.
    FORM = "form"
    #: An imported list says itself when and how it was given.
    EVIDENCE = "evidence"
    #: The practice says so.
    STATED = "stated"


def is_brought(record: ConsentRecord) -> bool:
    """Return whether a consent came with a list, or because the practice says so."""
    return _kind(record.source) in (EVIDENCE, STATED)


def strength_of(record: ConsentRecord, *, is_confirmed: bool) -> Strength:
    """Return how well a granted consent is proved."""
    return strength_at(record.source, is_confirmed=is_confirmed)


def strength_at(source: str, *, is_confirmed: bool) -> Strength:
    """Return how well a consent is proved that was granted at that source."""
    kind = _kind(source)
    if kind in (EVIDENCE, STATED):
        return Strength(kind)
    if kind == "form" and not is_confirmed:
        return Strength.FORM
    return Strength.CONFIRMED


def _kind(source: str) -> str:
    return source.partition(":")[0]
