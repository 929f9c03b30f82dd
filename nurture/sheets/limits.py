"""Limits on a file of people, far above any that a practice has, and the error that names them."""

from nurture.domain.errors import NurtureError

#: Bytes of one file, packed or not; an unpacked file may have this many too.
LARGEST_FILE = 256 * 1024**2
#: Bytes of one workbook within an archive, which is held in memory.
LARGEST_WORKBOOK = 64 * 1024**2
MOST_MEMBERS = 200
#: Text is packed to a twentieth, and the XML of a workbook to a hundredth; bombs do better.
HIGHEST_RATIO = 300
#: A small file may be packed in any ratio.
RATIO_COUNTS_ABOVE = 1024**2

MOST_COLUMNS = 500
#: Characters; a spreadsheet has no longer cells.
LONGEST_CELL = 32_767
#: Characters of one line of text, and lines of one row whose cells have line breaks.
LONGEST_LINE, MOST_LINES_OF_A_ROW = 1_000_000, 500
#: Cells of one worksheet, counted with the empty ones in between.
MOST_CELLS = 5_000_000
LONGEST_PACKED = 4096
#: Rows of one file, all sheets together.
MOST_ROWS = 500_000


class SheetError(NurtureError):
    """A file that cannot be read as a list of people; the remedy says what to do with it."""
