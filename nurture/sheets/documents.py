"""Documents: this program's own export with a JSON document a line, read as a table."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from nurture.domain.imports.carried import COLUMNS, as_cell
from nurture.sheets.cells import guarded
from nurture.sheets.delimited import Opener, lines_of
from nurture.sheets.table import SheetRecord

#: What a file of documents begins with.
STARTS = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"')

_BROKEN = "This line is no document that can be read, and was left out."


@dataclass(frozen=True)
class DocumentTable:
    """A file of documents; each is a record, with its values in the columns of the export."""

    opener: Opener
    encoding: str

    def records(self) -> Iterator[SheetRecord]:
        """Yield a header, which stands on no line, and then a record for each document."""
        yield SheetRecord(0, list(COLUMNS))
        with self.opener() as raw, closing(lines_of(raw, self.encoding)) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _record(number, line)


def _record(number: int, line: str) -> SheetRecord:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return SheetRecord(number, [""] * len(COLUMNS), _BROKEN)
    # They are guarded as in a spreadsheet, because whoever reads a row takes the guards away.
    return SheetRecord(number, [guarded(as_cell(document.get(name))) for name in COLUMNS])
