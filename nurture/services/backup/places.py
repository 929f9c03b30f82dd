"""Places: turning what the user writes, a path or a bucket's address, into a place or file."""

from dataclasses import replace
from pathlib import Path

from nurture.archive.bucket import Bucket
from nurture.archive.folder import Folder
from nurture.archive.place import Place, StoredFile
from nurture.bucket_address import SCHEME, BucketAddress, read_address
from nurture.domain.errors import NurtureError
from nurture.settings import Settings

#: How the name of a backup ends, and the other file that lies beside it.
_ENDING, _BESIDE = ".age", "identity.age"


class NoFileError(NurtureError):
    """A place was given instead of a file, or the file does not exist."""


def place_of(settings: Settings) -> Place | None:
    """Return where nightly backups go; `None` if no place is set."""
    return _place(settings.backup_url, settings) if settings.backup_url else None


def locate(where: str, settings: Settings) -> StoredFile:
    """Parse an address into a file or, with an empty name, a place; may raise `NurtureError`."""
    if not where.startswith(SCHEME):
        path = Path(where.removeprefix("file://"))
        if path.is_dir():
            return StoredFile(Folder(path), "")
        return StoredFile(Folder(path.parent), path.name)
    address = _read(where)
    folder, _, name = address.prefix.rpartition("/")
    if not name.endswith(_ENDING):
        return StoredFile(_bucket(address, settings), "")
    return StoredFile(_bucket(replace(address, prefix=folder), settings), name)


def locate_file(where: str, settings: Settings) -> StoredFile:
    """Return the backup at an address; raise `NoFileError`, listing the backups at a place."""
    file = locate(where, settings)
    if file.name and not file.place.has(file.name):
        raise NoFileError(f"There is no backup at {file}.", remedy="Name the file.")
    if file.name:
        return file
    names = sorted(e.name for e in file.place.entries() if e.name.endswith(_ENDING))
    there = [name for name in names if name != _BESIDE and not name.startswith(".")]
    if not there:
        raise NoFileError(f"There is no backup at {file.place}.", remedy="Name another place.")
    raise NoFileError(
        f"{file.place} is a place, in which {len(there)} backups lie.",
        remedy=f"Name one of them; the newest is {file.place.location(there[-1])}",
    )


def _place(url: str, settings: Settings) -> Place:
    return _bucket(_read(url), settings) if url.startswith(SCHEME) else Folder(Path(url))


def _read(url: str) -> BucketAddress:
    try:
        return read_address(url)
    except ValueError as error:
        raise NoFileError("That is no address of a bucket.", remedy=f"{error}.".capitalize()) from (
            None
        )


def _bucket(address: BucketAddress, settings: Settings) -> Bucket:
    """Return the bucket; if the address names no endpoint, use the one in the settings."""
    if not address.endpoint and settings.backup_url.startswith(SCHEME):
        known = read_address(settings.backup_url)
        region = address.region or known.region
        address = replace(address, endpoint=known.endpoint, region=region)
    return Bucket(address, settings.backup_s3_key, settings.backup_s3_secret)
