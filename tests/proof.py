"""Consent records are proof: while tests run, nothing may change or remove one.

The one exception is an erasure, which empties where a consent was given from and keeps the rest.
Processes started by a test are outside; what their code may do is read by
`tests/architecture/test_consent_records.py`.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Engine

#: The columns of a consent record that say from where it came, and that an erasure empties.
TRACES = frozenset({"page_url", "client", "user_agent"})

_CHANGES = re.compile(
    r"""\b(UPDATE(\s+ONLY|\s+OR\s+\w+)?|DELETE\s+FROM(\s+ONLY)?|TRUNCATE(\s+TABLE)?|MERGE\s+INTO
        |REPLACE\s+INTO|DROP\s+TABLE(\s+IF\s+EXISTS)?|ALTER\s+TABLE(\s+ONLY)?)
        \s+("?\w+"?\.)?"?consents\b
        |\bINTO\s+("?\w+"?\.)?"?consents\b.*\bDO\s+UPDATE\b""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_UPDATE = re.compile(r"\s*UPDATE\s+consents\s+SET\s+(.*?)\s+WHERE\b", re.DOTALL)
_SET_COLUMN = re.compile(r"(?:^|,)\s*(\w+)\s*=")

_changes: list[str] = []


class ChangedProofError(AssertionError):
    """A statement changed or removed a consent record."""


def guard(engine: "Engine") -> None:
    """Raise `ChangedProofError` on each statement of this engine that touches stored consents."""
    from sqlalchemy import event

    event.listen(engine, "before_cursor_execute", _refuse_changes)


@contextmanager
def watched() -> Iterator[None]:
    """Fail at the end if anything in the block changed a record, even if it hid the error."""
    forget()
    yield
    if changes := _changes.copy():
        forget()
        raise ChangedProofError(f"consent records were changed: {changes}")


def forget() -> None:
    """Forgive a test that changed a record on purpose."""
    _changes.clear()


def changes_records(statement: str) -> bool:
    """Return whether a statement in SQL changes or removes stored consent records."""
    return "consents" in statement.lower() and bool(_CHANGES.search(statement))


def empties_traces(statement: str) -> bool:
    """Return whether a statement updates nothing of chosen records but their traces."""
    found = _UPDATE.match(statement)
    return found is not None and set(_SET_COLUMN.findall(found[1])) <= TRACES


def _refuse_changes(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
    if not changes_records(statement):
        return
    if not (empties_traces(statement) and _comes_from_erasure(sys._getframe())):
        _changes.append(statement)
        raise ChangedProofError(f"a consent record is never changed: {statement}")


def _comes_from_erasure(frame: FrameType | None) -> bool:
    from nurture.store.personal import empty_people

    while frame is not None:
        if frame.f_code is empty_people.__code__:
            return True
        frame = frame.f_back
    return False
