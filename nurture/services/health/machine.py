"""This machine: its settings, files, disk and clock."""

import multiprocessing
import os
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path

from nurture.clock import clock_from
from nurture.domain.disk_space import DiskUse
from nurture.domain.errors import NurtureError
from nurture.files.disk import MAKE_ROOM, Disk, look
from nurture.files.private import look_for_open
from nurture.services.health.finding import Finding, doubtful, failed, failed_by, fine
from nurture.settings import Settings, first_start_is_to_come

_CLOSE_THEM = (
    "Any other command closes what belongs to its user; for the rest run as its owner: chmod -R "
    "go-rwx and its name."
)


def settings(settings: Settings, doubts: Collection[str]) -> Iterator[Finding]:
    """Check for settings that are probably mistakes, and for those needed before real emails."""
    for said in doubts:
        yield doubtful("settings", said, "Put it right in the environment or in .env.")
    if not settings.base_url:
        said = f"NURTURE_BASE_URL is not set, so every link leads to {settings.public_url}."
        worse = failed if settings.smtp_url else doubtful
        yield worse("settings", said, "Set it to the public https address of these pages.")
    if first_start_is_to_come(settings):
        said = f"The secrets have not been made yet: there is no {settings.data_dir}/secrets.env."
        remedy = "Start nurture once, or set NURTURE_DATA_DIR to where they are."
        yield doubtful("secrets", said, remedy)
    if not doubts and settings.base_url:
        yield fine("settings", "All that is set is known and can be used.")


def files(settings: Settings) -> Iterator[Finding]:
    """Check that private files are closed to other users, and that necessary ones are usable."""
    private = [*settings.open_files(), *_open(Path(".env"), settings.dkim_key_file)]
    for said in private:
        yield doubtful("files", said, _CLOSE_THEM)
    trouble = list(_unusable(settings))
    yield from trouble
    if not private and not trouble:
        yield fine("files", f"{settings.data_dir} can be written to, by its own user alone.")


def _open(*paths: Path | None) -> list[str]:
    given = [path for path in paths if path is not None and path.exists()]
    return [said for path in given for said in look_for_open(path)]


def _unusable(settings: Settings) -> Iterator[Finding]:
    data, key, emails = settings.data_dir, settings.dkim_key_file, settings.templates_dir
    if data.exists() and not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        said = f"{data} cannot be written to, so nothing that happens can be kept."
        remedy = "Let this user write to it, or mount its file system for writing."
        yield failed("files", said, remedy)
    if key is not None and not os.access(key, os.R_OK):
        said = f"NURTURE_DKIM_KEY_FILE cannot be read: {key}."
        yield failed("files", said, "Name a private key in PEM form that this user may read.")
    if not os.access(emails / "practice.toml", os.R_OK):
        said = f"There are no emails at {emails}: its practice.toml cannot be read."
        remedy = "Set NURTURE_TEMPLATES_DIR to the folder of your emails; no start works without."
        yield failed("files", said, remedy)


def shared_memory() -> Iterator[Finding]:
    """Check that a worker's processes can share locks, which the system keeps in shared memory."""
    try:
        multiprocessing.get_context("fork").Lock()
    except OSError as error:
        said = f"No worker can run, because /dev/shm cannot be used: {error.strerror}."
        remedy = "Mount a tmpfs there that everyone may write to; in a container: --tmpfs /dev/shm."
        yield failed("shared memory", said, remedy)
    else:
        yield fine("shared memory", "Workers can have locks in common.")


def disk(disk: Disk, settings: Settings) -> Iterator[Finding]:
    """Check the free disk space for the program's data."""
    if shortage := disk.shortage:
        worse = failed if DiskUse.SIGNUPS in disk.stopped else doubtful
        yield worse("disk", shortage, MAKE_ROOM)
    else:
        free = look(settings.data_dir).free
        yield fine("disk", f"{free / 1e9:,.1f} GB are free for {settings.data_dir}.")


def clock(settings: Settings, real_now: datetime) -> Iterator[Finding]:
    """Check that the program's clock is the real one."""
    if not settings.clock:
        return
    try:
        said = f"{clock_from(settings.clock)():%-d %B %Y, %H:%M} UTC"
    except NurtureError as error:
        yield failed_by("clock", error)
        return
    worse = failed if settings.smtp_url else doubtful
    yield worse(
        "clock",
        f"NURTURE_CLOCK is set, so the time is what a file says: {said}, and not "
        f"{real_now:%-d %B %Y, %H:%M} UTC.",
        "Take NURTURE_CLOCK out, unless this is a rehearsal: people would be written to by it.",
    )
