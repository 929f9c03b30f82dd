"""The calls of form builders that are kept as files, and what each of them says."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Request
from werkzeug.test import EnvironBuilder

from webhooks.callers import read_fields

FOLDER = Path(__file__).parent / "payloads"

_TYPES = {".json": "application/json", ".form": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class CapturedCall:
    """A call of a builder: its body as it was sent, and what is to be read in it."""

    builder: str
    name: str
    body: bytes
    content_type: str
    expected: dict[str, Any]

    @property
    def fields(self) -> dict[str, Any]:
        """The fields as the webhook takes them out of the body."""
        sent = EnvironBuilder(method="POST", data=self.body, content_type=self.content_type)
        return read_fields(Request(sent.get_environ()), self.body)


def captured_calls() -> list[CapturedCall]:
    """Return every call that is kept, in order."""
    files = sorted(path for path in FOLDER.glob("*/*") if path.suffix in _TYPES)
    return [_read(path) for path in files]


def name_of(call: CapturedCall) -> str:
    """Return the name of a call's test."""
    return f"{call.builder}-{call.name}"


def _read(path: Path) -> CapturedCall:
    expected = json.loads((path.parent / "expected" / f"{path.stem}.json").read_text())
    body = path.read_bytes().strip()
    return CapturedCall(path.parent.name, path.stem, body, _TYPES[path.suffix], expected)
