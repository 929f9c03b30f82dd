"""Emails as they were written."""

import re
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


#: A value's name and what stands behind it, such as `booking_url?utm_source=mail`.
_NAMED = re.compile(r"([a-z_]+)([/?#&].*)?", re.DOTALL)


def destination(link: str, values: Mapping[str, str]) -> str:
    """The address that a link leads to.

    A link is an address, the name of one of the `values`, or such a name with a path or
    parameters behind it; whatever is none of these is taken for an address.
    """
    named = _NAMED.fullmatch(link)
    if named is None or named[1] not in values:
        return link
    return joined(values[named[1]], named[2] or "")


def joined(address: str, more: str) -> str:
    """An address with a path or parameters behind it.

    There is one slash and one question mark between them, and parameters come before the
    address's own fragment (RFC 3986, section 3).
    """
    page, mark, fragment = address.partition("#")
    if more.startswith("/"):
        return page.rstrip("/") + more if "?" not in page else address + more
    if more.startswith(("?", "&")):
        sign = "&" if "?" in page else "?"
        return page.rstrip("&?") + sign + more[1:] + mark + fragment if more[1:] else address
    return page + more if more.startswith("#") else address + more
