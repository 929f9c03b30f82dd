"""What to say of a list and of its piles, alike on every page and in every answer."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from nurture.domain.imports.piles import Pile
from nurture.services.imports.bring import ImportResult
from nurture.services.imports.survey import SurveyedRow

#: What each pile means for its people.
MEANINGS: Mapping[Pile, str] = MappingProxyType(
    {
        Pile.EVIDENCE: "The list itself shows when and how they agreed.",
        Pile.STATED: "They agreed as you stated, on a day that you named.",
        Pile.CLIENT: "Clients who were offered a way out: news of the practice may be sent.",
        Pile.SUPPRESSED: "They unsubscribed, complained or their emails came back: never emailed.",
        Pile.UNKNOWN: "Nothing shows that they agreed: not emailed, and not asked by email either.",
        Pile.MISTAKES: "Rows without one valid address: nothing comes of them.",
    }
)


def next_moves(result: ImportResult) -> Iterator[str]:
    """Yield what the owner can do next, as sentences."""
    piles, said = result.survey.piles, result.said
    if (piles[Pile.EVIDENCE] or piles[Pile.STATED]) and not said.covers:
        yield (
            "Nothing says which emails this list is for, so its people agree to no kind of email. "
            "Say it with --covers articles, --covers news or --covers series:FORM, and bring the "
            "same file in again."
        )
    if piles[Pile.UNKNOWN] and not said.statement.is_of_consent:
        yield (
            "If you know in which words, where and when the unknown agreed, say it with --wording, "
            "--where, --since and --until."
        )
    if piles[Pile.UNKNOWN] and not said.statement.client:
        yield (
            "If they are clients who could refuse emails when they gave their address, say it with "
            "--client, --bought and --way-out-offered."
        )
    if piles[Pile.UNKNOWN]:
        yield "To ask the unknown lawfully, put up a poster: the studio makes one with a QR code."


def as_values(result: ImportResult) -> dict[str, Any]:
    """Return a result as a JSON document."""
    survey, done, start = result.survey, result.done, result.start
    read = survey.read
    return {
        "import": done.id if done else None,
        "program": read.program,
        "rows_read": survey.rows,
        "piles": survey.counts,
        "changed": result.changed,
        "reasons": survey.why,
        "covers": sorted(result.said.statement.covers),
        "columns": {one.name: one.meaning for sheet in read.sheets for one in sheet.columns},
        "sheets": [
            {"name": one.name, "program": one.program, "encoding": one.encoding}
            | {"columns": {c.name: c.meaning for c in one.columns}, "notes": list(one.notes)}
            for one in read.sheets
        ],
        "rows": list(map(_row, survey.first)),
        "mistakes": [
            {"sheet": one.sheet, "line": one.line, "reason": one.found.sentence}
            for one in survey.mistakes
        ],
        "hints": [
            {"sheet": one.sheet, "line": one.line, "hint": one.sentence} for one in survey.hints
        ],
        "start": {
            "sequence": start.sequence.key,
            "people": result.starts,
            "first_email": start.email,
            "first_at": start.first_at.isoformat(),
        }
        if start
        else None,
        "restored": asdict(result.restored) if result.restored else None,
        "next": list(next_moves(result)),
    }


def _row(one: SurveyedRow) -> dict[str, Any]:
    return {
        "sheet": one.sheet,
        "line": one.line,
        "address": one.address,
        "name": one.name,
        "pile": str(one.found.pile),
        "reason": one.found.sentence,
    }
