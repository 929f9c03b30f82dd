"""Remembering what the last start published, so as not to check and compile the same files again.

Compiling every email takes seconds of processor time, which a program that was killed cannot
spare while visitors are waiting for it.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from hashlib import file_digest, sha256
from importlib.metadata import version
from pathlib import Path

from nurture.bootstrap import Context
from nurture.files.private import write_private
from nurture.library.reading import files_of
from nurture.store.tables.revisions import latest_publication

_PROGRAM = Path(__file__).parent.parent

#: The libraries that affect how an email is rendered.
_RENDERERS = ("jinja2", "markdown-it-py", "mjml-python")


class LastPublished:
    """What one data directory remembers of the last start, in one small file."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._path = context.settings.data_dir / "last-published.json"
        # Computed before the files are read, so that the next start notices a change in between.
        self._sources = _digest_of(context.library)

    def find_notes(self) -> list[str] | None:
        """Return the last notes; `None` if files, program or what is published have changed."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        same = isinstance(kept, dict) and kept.get("state") == self._state()
        return [str(note) for note in kept["notes"]] if same else None

    def keep(self, notes: list[str]) -> None:
        """Remember that these files have been published; on a full disk, remember nothing."""
        draft = self._path.with_suffix(".draft")
        with suppress(OSError):
            said = json.dumps({"state": self._state(), "notes": notes})
            write_private(draft, said.encode())
            draft.replace(self._path)

    def _state(self) -> str:
        with self._context.database.reading() as connection:
            number = latest_publication(connection)
        return f"{self._context.fingerprint} {number} {self._sources}"


def _digest_of(library: Path) -> str:
    digest = sha256()
    for part in (*_program(), *_contents(library)):
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()


def _program() -> Iterator[bytes]:
    """Yield what identifies the compiler: this program, as it is on disk, and its libraries."""
    yield sys.version.encode()
    yield from (version(name).encode() for name in _RENDERERS)
    for path in sorted(_PROGRAM.rglob("*")):
        if path.suffix != ".pyc" and path.is_file():
            state = path.stat()
            yield f"{path} {state.st_size} {state.st_mtime_ns}".encode()


def _contents(library: Path) -> Iterator[bytes]:
    yield str(library.resolve()).encode()
    for path in files_of(library):
        yield str(path).encode()
        yield _content(path)


def _content(path: Path) -> bytes:
    """Return a digest of the content, or the error if it cannot be read, without waiting.

    Reading the library later determines whether the file is needed.
    """
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").digest()
    except OSError as error:
        return str(error).encode()
