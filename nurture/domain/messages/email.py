"""Emails as they were written."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class EmailFormat(StrEnum):
    """What the body of an email is written in; the value is its file's suffix.

    `md` is Markdown, placed into the shared layout; `mjml` is the whole design.
    """

    MARKDOWN = "md"
    MJML = "mjml"


@dataclass(frozen=True, slots=True)
class EmailSource:
    """One email as it was written.

    `key` is `sequence/email`. `first_line` is the line of the file on which the body
    begins, so that findings can name the place. `layout` holds the shared parts.
    `content` is the whole file, of which `front` and `body` are what was read from it.
    `text` is the plain version; where it is empty, that of Markdown is made from the body.
    """

    key: str
    front: Mapping[str, Any]
    body: str
    text: str
    layout: Mapping[str, str]
    first_line: int = 1
    format: EmailFormat = EmailFormat.MJML
    content: str = ""

    @property
    def place(self) -> str:
        """The file, as findings name it."""
        return f"{self.key}.{self.format}"
