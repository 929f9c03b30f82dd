"""What processes cost: processor time and memory, as Linux counts them."""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cpu:
    """Processor seconds."""

    user: float = 0.0
    system: float = 0.0

    @property
    def whole(self) -> float:
        """User and system time together."""
        return self.user + self.system

    def __add__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.user + other.user, self.system + other.system)

    def __sub__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.user - other.user, self.system - other.system)


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in bytes; `fair` divides shared memory equally among its processes (PSS)."""

    resident: int
    fair: int


def tree(root: int) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for number, parent in _parents():
        children.setdefault(parent, []).append(number)
    found = [root]
    for number in found:
        found += children.get(number, [])
    return found


def cpu_of(roots: Iterable[int]) -> Cpu:
    """Return what these processes and their descendants have used, including those that ended."""
    whole = Cpu()
    for root in roots:
        for number in tree(root):
            whole += cpu_of_one(number)
    return whole


def machine_cpu() -> float:
    """Return the processor seconds that everything on this machine has used."""
    user, nice, system, _, _, irq, soft, *_ = _numbers("/proc/stat", 0, 1)
    return (user + nice + system + irq + soft) * _TICK


def memory_of(number: int) -> Memory:
    """Return how much memory one process holds."""
    kilobytes = {}
    for line in Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split()[:2]
        kilobytes[name] = int(value)
    return Memory(kilobytes["Rss:"] * 1024, kilobytes["Pss:"] * 1024)


def command_of(number: int) -> str:
    """Return the command line of a process."""
    try:
        raw = Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()


def load() -> str:
    """Return the machine's load averages over one and five minutes."""
    one, five, _ = os.getloadavg()
    return f"{one:.1f} {five:.1f}"


class OtherWork:
    """How many processor cores were meanwhile kept busy by anything but this measurement.

    Everything measured descends from this process.
    """

    def __init__(self) -> None:
        self._ours = [os.getpid()]
        self._began = time.monotonic()
        self._before = machine_cpu() - cpu_of(self._ours).whole

    def cores(self) -> float:
        """Return the mean since the beginning."""
        spent = machine_cpu() - cpu_of(self._ours).whole - self._before
        return max(0.0, spent / (time.monotonic() - self._began))


def _parents() -> Iterator[tuple[int, int]]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                yield int(name), _stat(int(name))[1]
            except (OSError, IndexError):
                continue


def _stat(number: int) -> list[int]:
    """Return the numbers after a process's name: its state (as 0), its parent, and so on."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return [0, *map(int, fields[1:])]


def cpu_of_one(number: int) -> Cpu:
    """Return what one process and those of its children that ended have used."""
    try:
        fields = _stat(number)
    except (OSError, IndexError):
        return Cpu()
    user, system, user_of_ended, system_of_ended = fields[11:15]
    return Cpu((user + user_of_ended) * _TICK, (system + system_of_ended) * _TICK)


def _numbers(path: str, line: int, start: int) -> list[int]:
    return [int(word) for word in Path(path).read_text().splitlines()[line].split()[start:]]
