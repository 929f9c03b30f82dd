"""Guides: finding a sequence's guide file, the same on every machine."""

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

#: The largest guide allowed; a larger file is a nuisance to open on a phone.
LARGEST = 30 * 1024 * 1024

#: The text by which sample guides are recognised.
SAMPLE = b"A sample, to be replaced by the practice's own guide."

_PAGE = re.compile(rb"/Type\s*/(Page\b|ObjStm)")
_EDGE = 2048
_AFRESH = "Print your document as a PDF, which leaves the pages and nothing else."


class GuideError(NurtureError):
    """A file cannot be used as a guide; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class GuideFiles:
    """Where guides are stored: beside the emails, and this machine's copies of uploaded ones."""

    library: Path
    copies: Path

    def beside_the_emails(self, sequence: Sequence) -> Path:
        """Return the file in a sequence's folder; raise `GuideError` if it is anywhere else."""
        return guide_beside(self.library, sequence)


def guide_beside(library: Path, sequence: Sequence) -> Path:
    """Return the guide in a sequence's folder; raise `GuideError` if it is outside the library.

    Old revisions from before such names were refused may still contain one, and links can change.
    """
    path = library / sequence.key / sequence.guide_file
    if is_guide_name(sequence.guide_file) and path.resolve().is_relative_to(library.resolve()):
        return path
    raise GuideError(
        f"The guide of “{sequence.key}” does not lie beside its emails.",
        remedy="Name a PDF of that folder as guide in its sequence.toml, and publish it.",
    )


def check_guide(path: Path) -> None:
    """Refuse a file that is not a PDF, is incomplete, empty or too large; may raise `GuideError`.

    The file is examined on disk and never read into memory as a whole.
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
    """Return whether the end of the file is there; some programs pad files with zero bytes."""
    end = pdf.rfind(b"%%EOF")
    return end >= 0 and len(pdf[end:].rstrip(b"\0 \r\n\t")) <= _EDGE


def upload_guide(
    database: Database, sequence: str, name: str, path: Path, owner: str, now: datetime
) -> int:
    """Make a checked file the guide from now on; return its number, or raise `GuideError`.

    The current guide is not stored a second time.
    """
    check_guide(path)
    content = path.read_bytes()
    digest = sha256(content).hexdigest()
    return _put(database, sequence, _plain(name), digest, content, owner, now)


def put_back(database: Database, sequence: str, number: int, owner: str, now: datetime) -> int:
    """Make an earlier file the guide again, as a new revision; may raise `GuideError`."""
    with database.reading() as connection:
        old = get_guide(connection, sequence, number)
        content = guide_files.content_of(connection, old.id)
    return _put(database, sequence, old.name, old.sha256, content, owner, now)


def get_guide(connection: Connection, sequence: str, number: int) -> UploadedGuide:
    """Return one revision of a guide; raise `GuideError` if that number does not exist."""
    found = guide_files.find_guide(connection, sequence, number)
    if found is None:
        raise GuideError(f"There is no file of number {number}.", remedy="Look at the history.")
    return found


def uploaded_file(database: Database, on_disk: GuideFiles, guide: UploadedGuide) -> Path:
    """Return this machine's copy of an uploaded guide, fetched from the database on first use."""
    path = on_disk.copies / f"{guide.sha256}.pdf"
    if not _is_whole(path, guide):
        with database.reading() as connection:
            _write(path, guide_files.content_of(connection, guide.id))
    return path


def guide_path(
    database: Database, on_disk: GuideFiles, sequence: Sequence, uploaded: UploadedGuide | None
) -> Path:
    """Return the file to deliver: the latest upload or, without one, the file beside the emails."""
    if uploaded is None:
        return on_disk.beside_the_emails(sequence)
    return uploaded_file(database, on_disk, uploaded)


def is_sample(library: Path, sequence: Sequence) -> bool:
    """Return whether the guide beside the emails is still the sample, or is missing."""
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
    """Return a file name for display: its last part, printable and not too long."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(c for c in last if c.isprintable())[:120] or "guide.pdf"


def _is_whole(path: Path, guide: UploadedGuide) -> bool:
    """Return whether the copy exists and is complete; after a full disk its size is wrong."""
    try:
        return path.stat().st_size == guide.size
    except OSError:
        return False


def _write(path: Path, content: bytes) -> None:
    """Write a copy under a temporary name first, so that no one ever gets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as draft:
        draft.write(content)
    os.replace(draft.name, path)
