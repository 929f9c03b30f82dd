"""UTM parameters on links to the practice's own website, which name the email and no recipient."""

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, unquote, urlsplit

from nurture.domain.practice import Practice

#: What `LinkUtm.added_to` has put behind an address.
_ADDED = re.compile(
    r"[?&]utm_source=[^&#]*&utm_medium=email&utm_campaign=[^&#]*&utm_content=[^&#]*(?=#|$)"
)

#: The source that links name if the practice has chosen none.
USUAL_SOURCE = "email"

_WEB = ("http", "https")


@dataclass(frozen=True)
class LinkUtm:
    """What the links of one email name; nothing is added to pages that are in `never`."""

    website: str
    source: str
    campaign: str
    content: str
    never: tuple[str, ...] = ()

    def added_to(self, address: str) -> str:
        """Return an address with the parameters, if it is a page of the website.

        An address that has any UTM parameter is left as it is, and so are fragments and the rest.
        """
        if not self._belongs(address):
            return address
        page, mark, fragment = address.partition("#")
        return f"{page}{'&' if '?' in page else '?'}{self._parameters}{mark}{fragment}"

    @cached_property
    def _parameters(self) -> str:
        named = {
            "source": self.source or USUAL_SOURCE,
            "medium": "email",
            "campaign": self.campaign,
            "content": self.content,
        }
        return "&".join(f"utm_{name}={quote(value, safe='')}" for name, value in named.items())

    @cached_property
    def _place(self) -> tuple[str, int | None] | None:
        return _place_of(self.website)

    def _belongs(self, address: str) -> bool:
        place = _place_of(address)
        if place is None or place != self._place or _has_utm(address):
            return False
        return not any(_is_under(address, page) for page in self.never if page)


def link_utm(practice: Practice, campaign: str, content: str, pages: tuple[str, ...]) -> LinkUtm:
    """Return what an email's links are to name; `pages`, and where sessions are booked, never do.

    If the practice does not want that, no link is changed.
    """
    website = practice.website_url if practice.link_utm else ""
    never = (practice.booking_url, *pages)
    return LinkUtm(website, practice.link_utm_source, campaign, content, never)


def without_link_utm(address: str) -> str:
    """Return an address as it was before `LinkUtm.added_to`; any other is left as it is."""
    return _ADDED.sub("", address, count=1)


def _place_of(address: str) -> tuple[str, int | None] | None:
    """Return the host, in the form of the DNS and without `www.`, and the port, if one is given."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        place = host.rstrip(".").removeprefix("www."), parts.port
    except ValueError:
        return None
    return place if parts.scheme in _WEB and host else None


def _has_utm(address: str) -> bool:
    query = address.partition("#")[0].partition("?")[2]
    names = (unquote(one.partition("=")[0]) for one in re.split("[&;]", query))
    return any(name.strip().lower().startswith("utm_") for name in names)


def _is_under(address: str, page: str) -> bool:
    """Return whether an address is a page, or below one that is not a whole website."""
    here, there = _path_of(address), _path_of(page)
    if _place_of(address) != _place_of(page):
        return False
    return here == there or (there != "" and here.startswith(f"{there}/"))


def _path_of(address: str) -> str:
    try:
        return urlsplit(address).path.rstrip("/")
    except ValueError:
        return ""
