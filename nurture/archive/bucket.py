"""A bucket of an S3-compatible provider as the place for backups.

An object appears whole under its name or not at all. None is renamed: the provider copies a proven
object to its name, and it is read once more from there.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from nurture.archive.bucket_trouble import trouble_with
from nurture.archive.journal import JOURNALS, WithdrawalJournal, journal_name
from nurture.archive.place import PlacedFile, PlaceError, Sink, Source
from nurture.archive.segments import BucketJournal
from nurture.bucket_address import BucketAddress

if TYPE_CHECKING:
    from obstore.store import S3Credential, S3Store

#: How much is sent or fetched at a time: what every provider accepts as a part, and a slow
#: connection transfers in time.
PART = 5 * 1024 * 1024

#: The usual meaning of an address that names no region.
_REGION = "us-east-1"

#: Seconds allowed for a part, and for anything small.
_PART_SECONDS, _SMALL_SECONDS = 120, 15


@dataclass(frozen=True)
class Bucket:
    """A folder in a bucket, and the key to it."""

    address: BucketAddress
    key: str = field(repr=False)
    secret: str = field(repr=False)

    def __str__(self) -> str:
        return str(self.address)

    def location(self, name: str) -> str:
        """Return the address of an object, without its provider."""
        return f"{self.address}/{name}"

    def prepare(self) -> None:
        """Check that the bucket exists; creating one is up to the owner."""
        self.probe()

    def probe(self) -> None:
        """Check that the bucket can be reached."""
        next(self.sizes(), None)

    def entries(self) -> Iterator[PlacedFile]:
        """Yield the objects in that folder, but not those in folders below it."""
        with self.telling():
            found: Any = self.small.list_with_delimiter()
        for one in found["objects"]:
            yield PlacedFile(one["path"], one["last_modified"])

    def sizes(self, folder: str = "") -> Iterator[tuple[str, int]]:
        """Yield the objects in a folder and everything below it, each with its size."""
        with self.telling():
            for chunk in self.small.list(folder or None):
                yield from ((one["path"], one["size"]) for one in chunk)

    def read_small(self, name: str) -> bytes | None:
        """Return a whole small object, or `None` if it does not exist."""
        with self.telling():
            try:
                return bytes(self.small.get(name).bytes())
            except FileNotFoundError:
                self.probe()  # Raises if the bucket does not exist either.
                return None

    def write_small(self, name: str, content: bytes) -> None:
        """Write a small object in one request."""
        with self.telling():
            self.small.put(name, content, use_multipart=False)

    @contextmanager
    def reading(self, name: str) -> Iterator[Source]:
        """Open an object to read it a part at a time."""
        from obstore import open_reader

        with self.telling():
            reader = open_reader(self.large, name, buffer_size=PART)
        yield _Download(reader, self)

    @contextmanager
    def writing(self, name: str) -> Iterator[Sink]:
        """Open a new object to send in parts; it appears when the block ends, or never."""
        from obstore import open_writer

        with self.telling():
            writer = open_writer(self.large, name, buffer_size=PART, max_concurrency=1)
        try:
            yield _Upload(writer, self)
        except BaseException as error:
            with suppress(Exception):  # The parts sent so far are abandoned.
                writer.__exit__(type(error), error, None)
            raise
        with self.telling():
            writer.close()

    def has(self, name: str) -> bool:
        """Return whether an object exists."""
        return self.mark(name) is not None

    def mark(self, name: str) -> str | None:
        """Return the ETag and size of an object, which the provider knows without reading it."""
        with self.telling():
            try:
                found: Any = self.small.head(name)
            except FileNotFoundError:
                self.probe()
                return None
        return f"etag {found['e_tag']} {found['size']}"

    def rename(self, name: str, to: str, sha256: str) -> None:
        """Copy an object to its name, check the copy, and remove the original.

        Raise `PlaceError` if the copy is not what was written.
        """
        with self.telling():
            self.large.copy(name, to)
        if self._digest(to) != sha256:
            self.remove(to)
            raise PlaceError(
                f"{self.location(to)} is not what was written.", remedy="Take another backup."
            )
        self.remove(name)

    def _digest(self, name: str) -> str:
        found = sha256()
        with self.reading(name) as source:
            while piece := source.read(PART):
                found.update(piece)
        return found.hexdigest()

    def remove(self, name: str) -> None:
        """Remove an object, if it exists."""
        with self.telling(), suppress(FileNotFoundError):
            self.small.delete(name)

    def journal(self, fingerprint: str) -> BucketJournal:
        """Return the journal beside the backups, in segments; always the same object."""
        return self._journal_in(journal_name(fingerprint).removesuffix(".jsonl"))

    def journals(self) -> list[WithdrawalJournal]:
        """Return the journals beside the backups."""
        with self.telling():
            found: Any = self.small.list_with_delimiter()
        folders = sorted(folder.rstrip("/") for folder in found["common_prefixes"])
        return [self._journal_in(one) for one in folders if one.startswith(JOURNALS)]

    def _journal_in(self, folder: str) -> BucketJournal:
        return self._journals.setdefault(folder, BucketJournal(self, folder))

    @cached_property
    def _journals(self) -> dict[str, BucketJournal]:
        return {}

    @cached_property
    def small(self) -> S3Store:
        """The client for requests that are answered immediately."""
        return self._store(_SMALL_SECONDS)

    @cached_property
    def large(self) -> S3Store:
        """The client for requests that may be slow."""
        return self._store(_PART_SECONDS)

    def _store(self, seconds: int) -> S3Store:
        """Return the library's client, configured in full so that it looks up nothing itself."""
        from obstore.store import S3Store

        address = self.address
        region = address.region or _REGION
        endpoint = address.endpoint or f"https://s3.{region}.amazonaws.com"
        return S3Store(
            address.bucket,
            prefix=address.prefix or None,
            region=region,
            endpoint=endpoint,
            aws_endpoint_url_s3=endpoint,
            skip_signature=False,
            s3_express=False,
            credential_provider=self._credential,
            virtual_hosted_style_request=False,
            disable_bulk_delete=True,
            client_options={
                "allow_http": endpoint.startswith("http:"),
                "timeout": f"{seconds}s",
                "connect_timeout": "10s",
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=seconds)},
        )

    def _credential(self) -> S3Credential:
        """Return only the key: tokens in the environment belong to other programs."""
        key, secret = self.key, self.secret
        return {"access_key_id": key, "secret_access_key": secret, "expires_at": None}

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Say in a sentence what is wrong; the library's own message may contain secrets.

        `FileNotFoundError` for an object is left to the caller.
        """
        self._insist_on_keys()
        try:
            import obstore.exceptions as known
        except ImportError:
            raise PlaceError(
                f"The backups go to {self}, and the library that reaches it is missing.",
                remedy="Run “make s3” where the program lies, or pip install 'nurture[s3]'.",
            ) from None
        try:
            yield
        except (known.BaseError, OSError) as error:
            raise trouble_with(error, self.address) from None

    def _insist_on_keys(self) -> None:
        if not (self.key and self.secret):
            raise PlaceError(
                f"The backups go to {self}, and the key to it is not set.",
                remedy="Set NURTURE_BACKUP_S3_KEY and NURTURE_BACKUP_S3_SECRET.",
            )


class _Upload:
    """The data sent to a bucket, with errors as sentences."""

    def __init__(self, writer: Any, bucket: Bucket) -> None:
        self._writer, self._bucket = writer, bucket

    def write(self, content: bytes) -> int:
        with self._bucket.telling():
            written: int = self._writer.write(content)
            return written


class _Download(io.RawIOBase):
    """The data sent by a bucket, with errors as sentences."""

    def __init__(self, reader: Any, bucket: Bucket) -> None:
        self._reader, self._bucket = reader, bucket

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        with self._bucket.telling():
            return bytes(self._reader.read(size))
