"""Cleaning what stands in a cell."""

import re

#: Zero-width characters and marks of direction, which are pasted along and which no reader sees.
_INVISIBLE = dict.fromkeys(
    (
        0,
        0xAD,
        0x200B,
        0x200E,
        0x200F,
        0x2060,
        0xFEFF,
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    )
)

#: What makes a spreadsheet run a cell instead of showing it, including full-width forms.
_RUN = r"[=+\-@\t\r\n＝＋－＠]"
_GUARDED = re.compile(rf"'+{_RUN}")
_TO_GUARD = re.compile(rf"'*{_RUN}")


def clean(cell: str) -> str:
    """Return a cell's text on one line, without what cannot be seen."""
    if cell.isascii() and cell.isprintable():
        return cell.strip()
    return " ".join(cell.translate(_INVISIBLE).split())


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula; `unguarded` reverses it."""
    return f"'{text}" if _TO_GUARD.match(text) else text


def unguarded(cell: str) -> str:
    """Return what was to be written, without the apostrophe that keeps it from being a formula."""
    return cell[1:] if _GUARDED.match(cell) else cell
