"""The recipients of an email, pasted from its “To:” line into a text (RFC 5322 §3.4)."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from nurture.sheets.addresses import valid
from nurture.sheets.delimited import LONGEST_SAMPLED, Opener, lines_of
from nurture.sheets.table import SheetRecord

_FIELD = re.compile(r"^\s*(?:to|cc|bcc|an|à|from)\s*:\s*", re.IGNORECASE)
#: Nothing in it can match the same blanks twice, so that a long line takes no longer than it is.
_ONE = re.compile(
    r'(?:(?P<name>\s*"(?:[^"\\]|\\.)*"\s*|[^",;<>@]*)<\s*(?P<address>[^<>\s,;]+)\s*>'
    r'|\s*(?P<bare>[^<>"\s,;]+))\s*(?:[,;]|$)'
)
#: What a line that was cut ends with: a part of a recipient.
_CUT_OFF = re.compile(r"[^,;]*$")


@dataclass(frozen=True)
class RecipientTable:
    """A text of recipients; each is a record of its address and its name."""

    opener: Opener
    encoding: str

    def records(self) -> Iterator[SheetRecord]:
        """Yield a header, which stands on no line, and then a record for each recipient."""
        yield SheetRecord(0, ["email", "name"])
        with self.opener() as raw, closing(lines_of(raw, self.encoding)) as lines:
            for number, line in enumerate(lines, 1):
                for cells in recipients_in(line) or [[line.strip(), ""]] * bool(line.strip()):
                    yield SheetRecord(number, cells)


def are_recipients(lines: Sequence[str]) -> bool:
    """Return whether every line is of recipients and one has several, as no table has.

    The lines may be cut; the last recipient of one that is does not count.
    """
    most = 0
    for line in lines:
        whole = (
            line if line.endswith("\n") or len(line) < LONGEST_SAMPLED else _CUT_OFF.sub("", line)
        )
        if line.strip():
            if "@" not in whole or not (found := recipients_in(whole)):
                return False
            most = max(most, len(found))
    return most > 1


def recipients_in(line: str) -> list[list[str]] | None:
    """Return the address and the name of each recipient, or `None` if a part of it is none."""
    text = _FIELD.sub("", line, count=1).strip()
    place, found = 0, list[list[str]]()
    while place < len(text):
        one = _ONE.match(text, place)
        address = one and (one["address"] or one["bare"])
        if one is None or not address or not valid(address):
            return None
        name = (one["name"] or "").strip(" \"'").replace("\\", "").strip()
        found.append([address, name])
        place = one.end()
    return found
