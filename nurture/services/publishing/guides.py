"""Guiding: which file a sequence's guide is, the same on every machine."""

import mmap
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from nurture.domain.errors import NurtureError
from nurture.domain.sequences.sequence import Sequence, is_guide_name
from nurture.rendering.pdf_contents import find_acting
from nurture.store.database import Connection, Database
from nurture.store.tables import guide_files
from nurture.store.tables.guide_files import UploadedGuide
from nurture.store.tables.revisions import lock_publishing

#: The largest guide; a mailbox on a phone opens nothing larger with pleasure.
LARGEST = 30 * 1024 * 1024

#: What the sample guides say of themselves.
SAMPLE = b"A sample, to be replaced by the practice's own guide."

_PAGE = re.compile(rb"/Type\s*/(Page\b|ObjStm)")
_EDGE = 2048
_AFRESH = "Print your document as a PDF, which leaves the pages and nothing else."


class GuideError(NurtureError):
    """A file cannot be a guide; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class GuideFiles:
    """Where guides are: those beside the emails, and this machine's copies of uploaded ones."""

    library: Path
    copies: Path

    def beside_the_emails(self, sequence: Sequence) -> Path:
        """The file that a sequence's folder holds; raises `GuideError` where it lies elsewhere."""
        return guide_beside(self.library, sequence)


def guide_beside(library: Path, sequence: Sequence) -> Path:
    """The guide in a sequence's folder; raises `GuideError` where it lies outside the library.

    What was published before such names were refused may still say so, and links can change.
    """
    path = library / sequence.key / sequence.guide_file
    if is_guide_name(sequence.guide_file) and path.resolve().is_relative_to(library.resolve()):
        return path
    raise GuideError(
        f"The guide of “{sequence.key}” does not lie beside its emails.",
        remedy="Name a PDF of that folder as guide in its sequence.toml, and publish it.",
    )


def check_guide(path: Path) -> None:
    """Refuse what is no PDF, not all of one, empty or too large; raises `GuideError`.

    The file is looked at where it lies and never read into memory as a whole.
    """
    size = path.stat().st_size
    if size > LARGEST:
        raise GuideError(
            f"The file has {size / 2**20:.0f} MB; {LARGEST // 2**20} MB are the most.",
            remedy="Save it again with smaller pictures.",
        )
    if not size:
        raise GuideError("There is no file, or it is empty.", remedy="Choose the guide's PDF.")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pdf:
        if not pdf[:_EDGE].lstrip().startswith(b"%PDF-"):
            raise GuideError("This is no PDF.", remedy="Save or print your document as a PDF.")
        if not _ends_well(pdf):
            raise GuideError("The PDF breaks off before its end.", remedy="Save it once more.")
        if _PAGE.search(pdf) is None:
            raise GuideError("The PDF has no pages.", remedy="Save it once more.")
        if pdf.find(SAMPLE) >= 0:
            raise GuideError("This is the sample guide.", remedy="Choose your own.")
    acting = find_acting(path)
    if acting is None:
        raise GuideError("The PDF cannot be read.", remedy=_AFRESH)
    if acting:
        held = ", ".join(acting)
        raise GuideError(f"The PDF holds more than pages: {held}.", remedy=_AFRESH)


def _ends_well(pdf: mmap.mmap) -> bool:
    """Whether its end is there; some programs fill the rest of a file up with zero bytes."""
    end = pdf.rfind(b"%%EOF")
    return end >= 0 and len(pdf[end:].rstrip(b"\0 \r\n\t")) <= _EDGE


def upload_guide(
    database: Database, sequence: str, name: str, path: Path, owner: str, now: datetime
) -> int:
    """Keep a checked file as the guide from now on; return its number, or raise `GuideError`.

    The file that is the guide already is not kept a second time.
    """
    check_guide(path)
    content = path.read_bytes()
    digest = sha256(content).hexdigest()
    return _put(database, sequence, _plain(name), digest, content, owner, now)


def put_back(database: Database, sequence: str, number: int, owner: str, now: datetime) -> int:
    """Make an earlier file the guide again, as a new state; raises `GuideError`."""
    with database.reading() as connection:
        old = get_guide(connection, sequence, number)
        content = guide_files.content_of(connection, old.id)
    return _put(database, sequence, old.name, old.sha256, content, owner, now)


def get_guide(connection: Connection, sequence: str, number: int) -> UploadedGuide:
    """One state of a guide; raises `GuideError` where there is none of that number."""
    found = guide_files.find_guide(connection, sequence, number)
    if found is None:
        raise GuideError(f"There is no file of number {number}.", remedy="Look at the history.")
    return found


def uploaded_file(database: Database, on_disk: GuideFiles, guide: UploadedGuide) -> Path:
    """This machine's copy of an uploaded guide, fetched from the database the first time."""
    path = on_disk.copies / f"{guide.sha256}.pdf"
    if not _is_whole(path, guide):
        with database.reading() as connection:
            _write(path, guide_files.content_of(connection, guide.id))
    return path


def guide_path(
    database: Database, on_disk: GuideFiles, sequence: Sequence, uploaded: UploadedGuide | None
) -> Path:
    """The file to hand over: what was uploaded last, else the one beside the emails."""
    if uploaded is None:
        return on_disk.beside_the_emails(sequence)
    return uploaded_file(database, on_disk, uploaded)


def is_sample(library: Path, sequence: Sequence) -> bool:
    """Whether a guide beside the emails is still the sample, or is not there at all."""
    try:
        return SAMPLE in guide_beside(library, sequence).read_bytes()
    except (OSError, GuideError):
        return True


def _put(
    database: Database,
    sequence: str,
    name: str,
    digest: str,
    content: bytes,
    owner: str,
    now: datetime,
) -> int:
    with database.writing() as connection:
        lock_publishing(connection)
        present = guide_files.newest_guide(connection, sequence)
        if present is not None and present.sha256 == digest:
            return present.number
        return guide_files.add_guide(
            connection,
            sequence=sequence,
            name=name,
            sha256=digest,
            content=content,
            uploaded_by=owner,
            now=now,
        )


def _plain(name: str) -> str:
    """A file's name as it is shown: its last part, printable, not too long."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(c for c in last if c.isprintable())[:120] or "guide.pdf"


def _is_whole(path: Path, guide: UploadedGuide) -> bool:
    """Whether the copy is there and is what was uploaded; its size tells of a full disk."""
    try:
        return path.stat().st_size == guide.size
    except OSError:
        return False


def _write(path: Path, content: bytes) -> None:
    """Write a copy under another name first, so that nobody is handed half of it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as draft:
        draft.write(content)
    os.replace(draft.name, path)
