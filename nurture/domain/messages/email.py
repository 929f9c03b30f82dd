"""Emails as they were written."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class EmailFormat(StrEnum):
    """The format of an email's body; the value is its file extension.

    `md` is Markdown, placed in the shared layout; `mjml` is the complete design.
    """

    MARKDOWN = "md"
    MJML = "mjml"


@dataclass(frozen=True, slots=True)
class EmailSource:
    """One email as it was written.

    `key` is `sequence/email`. `first_line` is the line of the file on which the body begins, so
    that findings can give line numbers. `layout` holds the shared parts. `content` is the whole
    file, from which `front` and `body` were read. `text` is the plain-text version; if it is empty,
    a Markdown email's is made from the body.
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
