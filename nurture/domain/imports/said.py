"""What the owner says of a list, read from words and written as plain values."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

from nurture.domain.errors import NurtureError
from nurture.domain.imports.statement import Statement
from nurture.domain.subscribers.consent import STREAMS, Purpose, Scope, read_scope


class StatementError(NurtureError):
    """Something said of a list that says nothing; the remedy names what is lacking."""


@dataclass(frozen=True, slots=True)
class ListSaid:
    """Everything that is said of a file: the statement, and how it is to be read.

    `columns` has meanings by the name of a column, or `column 3` for one without a name. `start` is
    the sequence that people are to begin.
    """

    statement: Statement = field(default_factory=Statement)
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str = ""
    start: str = ""

    @property
    def covers(self) -> frozenset[Scope]:
        """The streams that the list is for."""
        return frozenset(filter(None, map(read_scope, self.statement.covers)))

    def as_values(self) -> dict[str, Any]:
        """Return it as plain JSON values; `from_values` reads them back."""
        one = self.statement
        return {
            "covers": sorted(one.covers),
            "wording": one.wording,
            "where": one.where,
            "since": one.since.isoformat() if one.since else None,
            "until": one.until.isoformat() if one.until else None,
            "client": one.client,
            "bought": one.bought,
            "way_out_offered": one.way_out_offered,
            "columns": dict(sorted(self.columns.items())),
            "encoding": self.encoding,
            "start": self.start,
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Read back what `as_values` wrote."""
        statement = Statement(
            covers=frozenset(values["covers"]),
            wording=values["wording"],
            where=values["where"],
            since=_day(values["since"]),
            until=_day(values["until"]),
            client=values["client"],
            bought=values["bought"],
            way_out_offered=values["way_out_offered"],
        )
        return cls(statement, values["columns"], values["encoding"], values["start"])


def read_covers(words: Iterable[str], forms: Collection[str]) -> frozenset[str]:
    """Return the streams that a list is for, as stored words; may raise `StatementError`.

    They are `articles`, `news` and, for the series of a form, `series:<form>`.
    """
    return frozenset(_stream(word.strip(), forms) for word in words)


def _stream(word: str, forms: Collection[str]) -> str:
    scope = read_scope(word)
    series = ", ".join(f"series:{form}" for form in forms)
    if scope is None or scope.purpose not in STREAMS:
        raise StatementError(
            f"“{word[:60]}” is no kind of email.", remedy=f"They are articles, news, {series}."
        )
    if scope.purpose is Purpose.SERIES and scope.form not in forms:
        raise StatementError(
            "A list can be for the series of one form only if that form exists.",
            remedy=f"They are {series}.",
        )
    return scope.word


def insist_on_whole(statement: Statement) -> None:
    """Raise `StatementError` if a statement was begun and says too little to count."""
    said = (statement.wording.strip(), statement.where.strip())
    days = (statement.since, statement.until)
    if statement.since and statement.until and statement.since > statement.until:
        raise StatementError(
            "The days are in the wrong order.", remedy="Put the earlier one first."
        )
    if any(said) and not statement.is_of_consent:
        raise StatementError(
            "The statement of how people agreed is incomplete.",
            remedy="Say in which words, where, since which day and until which day.",
        )
    if any(days) and not (any(said) or statement.client):
        raise StatementError(
            "The days alone say nothing.",
            remedy="Say in which words and where people agreed, or that they are clients.",
        )
    if (statement.bought or statement.way_out_offered) and not statement.client:
        raise StatementError(
            "What people bought counts only for clients.", remedy="Say that they are clients."
        )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
