"""Cells of a CSV file that a spreadsheet shows as they are, and that are read back the same."""

import re
from datetime import UTC, datetime

#: What tells a spreadsheet that a file is UTF-8; without it, Excel spoils every other letter.
BYTE_ORDER_MARK = "\ufeff"

#: What makes a spreadsheet run a cell instead of showing it, full-width forms included.
_RUN = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def defused(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: with an apostrophe before what would be one.

    A cell that is one behind apostrophes of its own gets another, so that `undefused` gives
    every cell back.
    """
    return f"'{cell}" if _RUN.match(cell) else cell


def undefused(cell: str) -> str:
    """The cell that `defused` was given."""
    return cell[1:] if cell.startswith("'") and _RUN.match(cell) else cell


def readable_time(moment: datetime) -> str:
    """A moment in UTC as spreadsheets read it: `2026-03-02 09:15:00`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
