"""Emails as they were written."""

import re
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


#: A value's name and what follows it, such as `booking_url?utm_source=mail`.
_NAMED = re.compile(r"([a-z_]+)([/?#&].*)?", re.DOTALL)


def destination(link: str, values: Mapping[str, str]) -> str:
    """Return the address that a link leads to.

    A link is an address, the name of one of the `values`, or such a name followed by a path or
    parameters; anything else is treated as an address.
    """
    named = _NAMED.fullmatch(link)
    if named is None or named[1] not in values:
        return link
    return joined(values[named[1]], named[2] or "")


def joined(address: str, more: str) -> str:
    """Return an address with a path or parameters added to it.

    There is one slash or question mark between them, and parameters go before the address's own
    fragment (RFC 3986, section 3).
    """
    page, mark, fragment = address.partition("#")
    if more.startswith("/"):
        return page.rstrip("/") + more if "?" not in page else address + more
    if more.startswith(("?", "&")):
        sign = "&" if "?" in page else "?"
        return page.rstrip("&?") + sign + more[1:] + mark + fragment if more[1:] else address
    return page + more if more.startswith("#") else address + more
