"""CSV cells that a spreadsheet shows as they are, and that are read back unchanged."""

import re
from datetime import UTC, datetime

#: What tells a spreadsheet that a file is UTF-8; without it, Excel spoils every other letter.
BYTE_ORDER_MARK = "\ufeff"

#: What makes a spreadsheet run a cell instead of showing it, full-width forms included.
_RUN = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def defused(cell: str) -> str:
    """Return a cell that no spreadsheet treats as a formula, with an apostrophe if necessary.

    A formula that already has apostrophes before it gets another, so that `undefused` restores
    every cell.
    """
    return f"'{cell}" if _RUN.match(cell) else cell


def undefused(cell: str) -> str:
    """Return the cell that `defused` was given."""
    return cell[1:] if cell.startswith("'") and _RUN.match(cell) else cell


def readable_time(moment: datetime) -> str:
    """Return a moment in UTC as spreadsheets read it: `2026-03-02 09:15:00`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
