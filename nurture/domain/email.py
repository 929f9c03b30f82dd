"""Emails as they were written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EmailSource:
    """One email as it was written.

    `key` is `sequence/email`. `first_line` is the line of the file on which the MJML
    begins, so that findings can name the place. `layout` holds the shared parts.
    """

    key: str
    front: Mapping[str, Any]
    mjml: str
    text: str
    layout: Mapping[str, str]
    first_line: int = 1
