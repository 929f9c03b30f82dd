"""A clock that runs, faster than the real one, in a process of its own.

Whatever the test and the program are busy with, the time goes on, and all of them see the same.
"""

import select
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

#: Between two moments that the file shows, in real seconds.
_TICK = 0.02


class FastClock:
    """Lets the time in a clock's file pass, `speed` times as fast as it does, during the block."""

    def __init__(self, path: Path, speed: float) -> None:
        self.path, self.speed = path, speed

    def __enter__(self) -> Self:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(self.path), str(self.speed)],
            stdin=subprocess.PIPE,
        )
        return self

    def __exit__(self, *_: object) -> None:
        """Let the time stand still again."""
        self._process.communicate()


def run(path: Path, speed: float) -> None:
    """Move the time until the test that started this has gone."""
    start, began = datetime.fromisoformat(path.read_text()), time.monotonic()
    draft = path.with_name(f"{path.name}.next")
    while not select.select([sys.stdin], [], [], _TICK)[0]:
        passed = timedelta(seconds=(time.monotonic() - began) * speed)
        draft.write_text((start + passed).isoformat())
        draft.replace(path)


if __name__ == "__main__":
    run(Path(sys.argv[1]), float(sys.argv[2]))
