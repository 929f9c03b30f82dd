"""The backup file: a tar archive, compressed, encrypted by age; never whole in memory.

`age -d -i identity.age FILE | tar xz` opens it without this program. Members are small enough to be
read and written in one piece, and come in the order in which they are needed.
"""

import io
import os
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from threading import Thread

import pyrage
from pyrage import x25519

from nurture.archive.place import Sink, Source, StoredFile
from nurture.domain.errors import NurtureError

#: A member: its name in the archive, and its content.
Member = tuple[str, bytes]


class DamagedBackupError(NurtureError):
    """A file that is not a backup, or not what was written."""


class UnwritableArchiveError(NurtureError):
    """A backup that could not be written."""


def write_archive(
    to: StoredFile, members: Iterable[Member], recipient: x25519.Recipient
) -> tuple[int, str]:
    """Write the members to a new file; once safely stored, return its size in bytes and SHA-256."""
    stream = _Stream(_compressed(_as_tar(members)))
    counted = _Counted()
    try:
        with to.place.writing(to.name) as sink:
            counted.sink = sink
            pyrage.encrypt_io(stream, counted, [recipient])
    except (pyrage.EncryptError, OSError) as error:
        # An error while the members were made is the cause, and says more.
        raise stream.trouble or _unwritable(to, counted.trouble or error) from None
    return counted.size, counted.digest.hexdigest()


def _unwritable(to: StoredFile, error: Exception) -> Exception:
    if isinstance(error, NurtureError):
        return error
    return UnwritableArchiveError(
        f"{to.place} takes no backup: {error}.",
        remedy="See that it is there, that it has room, and that you may write to it.",
    )


@contextmanager
def opened_archive(file: StoredFile, identity: x25519.Identity) -> Iterator[Iterator[Member]]:
    """Yield the members of a file in order; raise `DamagedBackupError` if even one byte is wrong.

    Decryption runs in a thread of its own, and waits for the reader. An error that keeps the file
    from being read is raised unchanged.
    """
    out, into = os.pipe()
    troubles: list[Exception] = []
    thread = Thread(target=_decrypt, args=(file, into, identity, troubles), daemon=True)
    thread.start()
    try:
        with os.fdopen(out, "rb") as stream:
            yield _members(file, stream, thread, troubles)
    finally:
        thread.join()


def _decrypt(
    file: StoredFile, into: int, identity: x25519.Identity, troubles: list[Exception]
) -> None:
    asked = _Asked()
    try:
        with os.fdopen(into, "wb") as stream, file.place.reading(file.name) as source:
            asked.source = source
            pyrage.decrypt_io(asked, stream, [identity])
    except (pyrage.DecryptError, OSError, ValueError, NurtureError) as error:
        troubles.append(asked.trouble or error)


def _members(
    file: StoredFile, stream: io.BufferedIOBase, thread: Thread, troubles: list[Exception]
) -> Iterator[Member]:
    try:
        with tarfile.open(fileobj=stream, mode="r|gz") as tar:
            for info in tar:
                content = tar.extractfile(info)
                yield info.name, content.read() if content else b""
        while stream.read(1 << 16):
            pass  # Nothing is left, but this authenticates the end as well.
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        troubles.append(error)
    thread.join()
    if troubles:
        if isinstance(troubles[0], NurtureError):
            raise troubles[0]
        why = str(troubles[0]).partition("\n")[0].rstrip(".")
        raise DamagedBackupError(
            f"{file} is damaged, or is not a backup that this key opens: {why}.",
            remedy="Take another backup.",
        )


class _Asked(io.RawIOBase):
    """A reader from a place that remembers why reading failed, which the library does not."""

    source: Source
    trouble: Exception | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            return self.source.read(size)
        except NurtureError as error:
            self.trouble = error
            raise


class _Counted(io.RawIOBase):
    """A writer to a place that counts and digests what is written, and remembers why it failed."""

    sink: Sink
    trouble: Exception | None = None

    def __init__(self) -> None:
        self.size, self.digest = 0, sha256()

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        try:
            written = self.sink.write(content)
        except Exception as error:
            self.trouble = error
            raise
        self.digest.update(memoryview(content)[:written])
        self.size += written
        return written


class _Stream(io.RawIOBase):
    """Pieces of bytes as a stream to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")
        self.trouble: Exception | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            while not self._rest:
                self._rest = memoryview(next(self._pieces))
        except StopIteration:
            return b""
        except Exception as error:
            self.trouble = error
            raise
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)


def _as_tar(members: Iterable[Member]) -> Iterator[bytes]:
    for name, content in members:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), 0o600
        yield info.tobuf(tarfile.PAX_FORMAT)
        yield content
        yield bytes(-len(content) % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    gzip = zlib.compressobj(level=3, wbits=31)
    for piece in pieces:
        if compressed := gzip.compress(piece):
            yield compressed
    yield gzip.flush()
