"""Remarks: what one process notices and any other may have to report, in a small file each."""

import json
import os
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any


class Remark:
    """One thing that may be noticed: recorded once an hour at most, and reported for a week."""

    _EVERY, _TOLD_FOR = timedelta(hours=1), timedelta(days=7)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._noted_at: datetime | None = None

    def note(self, now: datetime, **about: str) -> None:
        """Record that it was noticed; a full disk loses the remark and nothing else."""
        if self._noted_at and timedelta() <= now - self._noted_at < self._EVERY:
            return
        self._noted_at = now
        draft = self._path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.write_text(json.dumps(about | {"at": now.isoformat()}))
            draft.replace(self._path)

    def told(self, now: datetime) -> dict[str, Any] | None:
        """Return what was noticed in the last week, or `None` if nothing was."""
        try:
            about: dict[str, Any] = json.loads(self._path.read_text())
            at = datetime.fromisoformat(about["at"])
            return about if now - at <= self._TOLD_FOR else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
