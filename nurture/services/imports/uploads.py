"""Uploaded lists while the owner looks at them: private files, and nothing of them for long."""

import json
import logging
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from threading import Thread
from typing import Any

from nurture.domain.errors import NurtureError
from nurture.domain.imports.said import ListSaid
from nurture.services.imports.bring import ImportDesk, bring_in, rehearse
from nurture.services.imports.source import ListSource
from nurture.services.imports.words import as_values

#: Bytes of one uploaded list; the command takes larger ones.
LARGEST = 24 * 1024**2

#: How long an upload is kept at most.
KEPT_FOR = timedelta(hours=1)

_KEY = re.compile(r"[0-9a-f]{32}")
_FILE, _ABOUT = "list", "about.json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file and what the owner says of it.

    `found` is what it amounts to, as `words.as_values` has it. `bringing_at` is when it began to be
    brought in, `trouble` what went wrong, and `done` the import once it is complete; then the file
    is gone.
    """

    key: str
    name: str
    owner: str
    uploaded_at: datetime
    said: ListSaid
    found: Mapping[str, Any]
    bringing_at: datetime | None = None
    trouble: str = ""
    done: int | None = None

    @property
    def touched_at(self) -> datetime:
        """When something last happened to it."""
        return self.bringing_at or self.uploaded_at


@dataclass(frozen=True, slots=True)
class Uploads:
    """The uploads of this machine, in a folder of the data directory."""

    folder: Path

    @classmethod
    def of(cls, data_dir: Path) -> "Uploads":
        """Return the uploads of a data directory."""
        return cls(data_dir / "uploads")

    def add(self, save: Callable[[Path], Any], name: str, owner: str, now: datetime) -> Upload:
        """Keep a file that `save` writes, and return it."""
        upload = Upload(token_hex(16), name[:200], owner, now, ListSaid(), {})
        (self.folder / upload.key).mkdir(parents=True, mode=0o700)
        self.keep(upload)
        save(self.path_of(upload.key))
        return upload

    def find(self, key: str) -> Upload | None:
        """Return an upload, or `None` if it is gone."""
        if not _KEY.fullmatch(key):
            return None
        try:
            return _read(key, (self.folder / key / _ABOUT).read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError):
            return None

    def keep(self, upload: Upload) -> None:
        """Write down what is known of an upload, whole or not at all."""
        about = self.folder / upload.key / _ABOUT
        draft = about.with_suffix(".part")
        draft.write_text(json.dumps(_values(upload), ensure_ascii=False), encoding="utf-8")
        draft.replace(about)

    def path_of(self, key: str) -> Path:
        """Return where the file of an upload lies."""
        return self.folder / key / _FILE

    def finish(self, upload: Upload, number: int) -> None:
        """Delete the file and all that was in it; what is left leads to the import."""
        self.path_of(upload.key).unlink(missing_ok=True)
        self.keep(replace(upload, found={}, trouble="", done=number))

    def drop(self, key: str) -> None:
        """Delete an upload."""
        if _KEY.fullmatch(key):
            shutil.rmtree(self.folder / key, ignore_errors=True)

    def sweep(self, now: datetime) -> int:
        """Delete uploads that nothing has happened to for an hour; return how many."""
        old = [key for key in self._keys() if self._is_old(key, now)]
        for key in old:
            self.drop(key)
        return len(old)

    def _keys(self) -> Iterator[str]:
        with suppress(OSError):
            yield from (one.name for one in self.folder.iterdir() if _KEY.fullmatch(one.name))

    def _is_old(self, key: str, now: datetime) -> bool:
        found = self.find(key)
        return found is None or now - found.touched_at >= KEPT_FOR


def look_at(
    uploads: Uploads, desk: ImportDesk, upload: Upload, said: ListSaid, now: datetime
) -> Upload:
    """Read an upload as the owner says, apart from this process, and keep what it amounts to.

    May raise `SheetError`, `StatementError` or `NoStartError`.
    """
    source = ListSource(uploads.path_of(upload.key), upload.name, apart=True)
    result = rehearse(desk, source, said, now)
    if result.restored is not None:
        raise NurtureError(
            "This is an export of this program itself.",
            remedy="Bring it in with “nurture import” on the server.",
        )
    columns = [
        {"sheet": sheet.name, "name": one.name, "meaning": one.meaning, "cells": list(one.cells)}
        for sheet in result.survey.read.sheets
        for one in sheet.columns
    ]
    samples = {
        str(pile): [[one.line, one.address, one.name, one.found.sentence] for one in rows]
        for pile, rows in result.survey.samples.items()
    }
    found = as_values(result) | {"shown": columns, "samples": samples}
    found["mistakes"] = found["mistakes"][:200]
    looked_at = replace(upload, said=said, found=found, trouble="")
    uploads.keep(looked_at)
    return looked_at


def begin(
    uploads: Uploads, desk: ImportDesk, upload: Upload, clock: Callable[[], datetime]
) -> Thread:
    """Bring an upload in beside the web side's other work; the thread ends with it."""
    begun = replace(upload, bringing_at=clock(), trouble="")
    uploads.keep(begun)
    thread = Thread(target=_bring, args=(uploads, desk, begun, clock), daemon=True)
    thread.start()
    return thread


def _bring(
    uploads: Uploads, desk: ImportDesk, upload: Upload, clock: Callable[[], datetime]
) -> None:
    source = ListSource(uploads.path_of(upload.key), upload.name, apart=True)
    try:
        result = bring_in(desk, source, upload.said, upload.owner, clock())
        assert result.done is not None  # It was no rehearsal.
        uploads.finish(upload, result.done.id)
    except NurtureError as error:
        uploads.keep(replace(upload, trouble=str(error)))
    except Exception:
        _log.exception("A list could not be brought in.")
        uploads.keep(replace(upload, trouble="Something went wrong; the program’s log says what."))


def _values(upload: Upload) -> dict[str, Any]:
    return {
        "name": upload.name,
        "owner": upload.owner,
        "uploaded_at": upload.uploaded_at.isoformat(),
        "said": upload.said.as_values(),
        "found": dict(upload.found),
        "bringing_at": upload.bringing_at.isoformat() if upload.bringing_at else None,
        "trouble": upload.trouble,
        "done": upload.done,
    }


def _read(key: str, text: str) -> Upload:
    told = json.loads(text)
    begun = told["bringing_at"]
    return Upload(
        key=key,
        name=told["name"],
        owner=told["owner"],
        uploaded_at=datetime.fromisoformat(told["uploaded_at"]),
        said=ListSaid.from_values(told["said"]),
        found=told["found"],
        bringing_at=datetime.fromisoformat(begun) if begun else None,
        trouble=told["trouble"],
        done=told["done"],
    )
