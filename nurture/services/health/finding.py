"""A finding: what was looked at, how it stands, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum

from nurture.domain.errors import NurtureError


class FindingLevel(StrEnum):
    """How bad it is, the worst last."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; the `remedy` is the next move, and empty where all is well."""

    name: str
    level: FindingLevel
    sentence: str
    remedy: str = ""


def fine(name: str, sentence: str) -> Finding:
    """It is as it should be."""
    return Finding(name, FindingLevel.OK, sentence)


def doubtful(name: str, sentence: str, remedy: str) -> Finding:
    """Something to see to, while everything still runs."""
    return Finding(name, FindingLevel.WARNING, sentence, remedy)


def failed(name: str, sentence: str, remedy: str) -> Finding:
    """Something does not work, or people's data is at risk."""
    return Finding(name, FindingLevel.FAILURE, sentence, remedy)


def failed_by(name: str, error: NurtureError) -> Finding:
    """What an error says is wrong; its remedy is ours."""
    return failed(name, error.message, error.remedy or "Put that right, and look again.")
