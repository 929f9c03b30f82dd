"""The file of secrets that the first start makes: whole or not at all, for its user alone."""

import errno
import fcntl
import os
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from nurture.domain.keys import Keys
from nurture.files.disk import remedy_for
from nurture.files.env import SettingsError, read_env_file, rewritten
from nurture.files.private import sync_folder, write_down

#: Made at the first start if nobody has set them, and stored in the data directory.
MADE = ("NURTURE_SECRET_KEY", "NURTURE_SIGNUP_SECRET", "NURTURE_SIGNUP_TOKEN")

#: The keys' settings besides the one that always exists.
ADDRESS_KEY, LEAKED_KEYS = "NURTURE_ADDRESS_KEY", "NURTURE_LEAKED_KEYS"
SECRET_KEY = MADE[0]

#: Everything the file may contain; it belongs to its database for ever.
KEPT = (*MADE, ADDRESS_KEY, LEAKED_KEYS)

NAME = "secrets.env"


class SecretsBusyError(SettingsError):
    """The error for secrets that another process is changing right now."""


def new_key() -> str:
    """Return a key that nobody can guess."""
    return secrets.token_urlsafe(32)


def made_at_first_start(
    directory: Path, given: Mapping[str, str], *, looking: bool = False
) -> dict[str, str]:
    """Return the program's own secrets, made once; none if all of them are given.

    With `looking`, they are made up and not written. Raise `SettingsError` if the file is unusable.
    """
    if all(name in given for name in MADE):
        return {}
    if directory.exists() and not directory.is_dir():
        raise _unfit(directory, NotADirectoryError(errno.ENOTDIR, "it is not a folder"))
    path = directory / NAME
    try:
        if not path.exists():
            made = _first(given)
            if looking:
                return made
            _write_once(path, "".join(f"{name}={value}\n" for name, value in made.items()))
        made = read_env_file(path)
    except OSError as error:
        raise _unfit(path, error) from None
    _insist_on_both(given, made)
    return made


def is_to_be_made(directory: Path, given: Mapping[str, str]) -> bool:
    """Return whether secrets are neither given nor made yet."""
    return not (directory / NAME).exists() and not all(name in given for name in MADE)


def _unfit(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"NURTURE_DATA_DIR: {path} cannot be used: {error.strerror}.",
        remedy=remedy_for(error, "Name a folder that this user may read and write."),
    )


def _first(given: Mapping[str, str]) -> dict[str, str]:
    """Return the first content of the file.

    A key for addresses is made together with the signing key, and never beside one that someone has
    set, which has already hashed addresses.
    """
    _insist_on_both(given, {})
    made = {SECRET_KEY: new_key()}
    if SECRET_KEY not in given:
        made[ADDRESS_KEY] = new_key()
    made["NURTURE_SIGNUP_SECRET"] = "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    made["NURTURE_SIGNUP_TOKEN"] = new_key()
    return made


def _insist_on_both(given: Mapping[str, str], made: Mapping[str, str]) -> None:
    """Raise `SettingsError` if only one of two keys that belong together is set.

    The other would be one that was made here, and no other machine would know its links.
    """
    own = Keys.of(made.get(SECRET_KEY, ""), made.get(ADDRESS_KEY, "")).address
    if SECRET_KEY not in given and given.get(ADDRESS_KEY, own) != own:
        raise SettingsError(
            f"{ADDRESS_KEY} is set, and {SECRET_KEY} is not.",
            remedy="Set both, as they are on the machine where they were made.",
        )


def _write_once(path: Path, content: str) -> None:
    """Write the whole file or, if another process was first, leave that one's."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        write_down(draft, content.encode())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def change_secrets(path: Path, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
    """Replace values in the file with what `change` makes of them; other lines are unchanged.

    The file is whole for every reader, meanwhile and after a kill at any moment: in its old form,
    or in its new one. Raise `SecretsBusyError` if another process is doing the same, or
    `SettingsError`.
    """
    path = path.resolve()
    try:
        with _alone(path):
            values = change(read_env_file(path))
            text = path.read_bytes().decode("utf-8-sig")
            _replace(path, rewritten(text, values).encode())
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be changed: {error.strerror}.",
            remedy="Run this as the user whose file it is, in a folder that they may write to.",
        ) from None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Allow one change at a time: a process that changes the current file holds a lock on it."""
    held = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(held), path.stat()):
            raise BlockingIOError
        yield
    except BlockingIOError:
        raise SecretsBusyError(
            "The secrets are being changed by another process.", remedy="Try again when it is done."
        ) from None
    finally:
        os.close(held)


def _replace(path: Path, content: bytes) -> None:
    """Replace a file's content in one step, on the disk too, with the same owner."""
    before, draft = path.stat(), path.with_name(f".{path.name}.rotating")
    draft.unlink(missing_ok=True)  # Left by a killed run.
    try:
        write_down(draft, content)
        if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(draft, before.st_uid, before.st_gid)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)
