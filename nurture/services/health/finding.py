"""A finding: what was checked, its state, and how to fix it."""

from dataclasses import dataclass
from enum import StrEnum

from nurture.domain.errors import NurtureError


class FindingLevel(StrEnum):
    """How bad a finding is, worst last."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked; the `remedy` is what to do next, or empty if all is well."""

    name: str
    level: FindingLevel
    sentence: str
    remedy: str = ""


def fine(name: str, sentence: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(name, FindingLevel.OK, sentence)


def doubtful(name: str, sentence: str, remedy: str) -> Finding:
    """Return a finding that needs attention, although everything still works."""
    return Finding(name, FindingLevel.WARNING, sentence, remedy)


def failed(name: str, sentence: str, remedy: str) -> Finding:
    """Return a finding that something does not work, or that people's data is at risk."""
    return Finding(name, FindingLevel.FAILURE, sentence, remedy)


def failed_by(name: str, error: NurtureError) -> Finding:
    """Return an error as a finding; if it has no remedy, use a general one."""
    return failed(name, error.message, error.remedy or "Put that right, and look again.")
