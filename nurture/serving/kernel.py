"""Requests to the operating system; they do nothing on systems other than Linux."""

import ctypes
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

_PR_SET_NAME = 15
_M_ARENA_MAX = -8

#: More connections than one process should have.
_MOST_FILES = 20_000


def name_process(title: str) -> None:
    """Show this process under that name in `top` (15 bytes of it) and in `ps`."""
    if sys.platform != "linux":
        return
    name = title.encode()
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name[:15])
    # `ps` reads the command line from where the kernel first put it: proc(5), stat, fields 48, 49.
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = map(int, fields[45:47])
    if 0 < start < end:
        ctypes.memset(start, 0, end - start)
        ctypes.memmove(start, name, min(len(name), end - start - 1))


def share_one_heap() -> None:
    """Let threads share two malloc arenas: one each would double the web side's memory use.

    `MALLOC_ARENA_MAX` in the environment takes precedence. Only the GNU C library has arenas.
    """
    if sys.platform == "linux" and "MALLOC_ARENA_MAX" not in os.environ:
        set_option = getattr(ctypes.CDLL(None), "mallopt", None)
        if set_option is not None:
            set_option(_M_ARENA_MAX, 2)


def allow_many_files() -> int:
    """Let this process open as many files and connections as allowed; return that number."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_FILES)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(now, wanted), most))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def root_trouble() -> str:
    """Return a warning if running as root, otherwise an empty string."""
    if os.geteuid() != 0:
        return ""
    return (
        "nurture runs as root. Anyone who breaks into it has the whole machine. Give it a user "
        "of its own, in a container as well."
    )
