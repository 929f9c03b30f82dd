"""Where a link in an email leads, if it is written as a value's name instead of an address."""

import re
from collections.abc import Mapping

#: A value's name and what stands behind it, such as `booking_url?utm_source=mail`.
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
