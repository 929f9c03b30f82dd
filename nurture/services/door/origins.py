"""The allow-list of origins: the sites that may show our forms, post to them, and thank visitors.

An origin is a scheme, a host and a port, if it is an unusual one (RFC 6454 §6.2). The practice's
own website is always on the list, with and without `www.`; the owner adds others.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from nurture.addresses import AddressError, plain_mailbox, plain_page
from nurture.domain.errors import NurtureError
from nurture.services.catalogue import Catalogue
from nurture.store.database import Connection, Database
from nurture.store.tables import form_pages

_USUAL_PORTS = {"http": 80, "https": 443}

_WWW = "www."


class OriginError(NurtureError):
    """An origin that cannot be on the list, or is not on it; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class AllowedOrigins:
    """The allow-list: the origins of the practice's own website, and those that were added."""

    own: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every origin once, the practice's own first."""
        return tuple(dict.fromkeys((*self.own, *self.added)))

    def __contains__(self, origin: object) -> bool:
        return origin in self.own or origin in self.added

    def covers(self, url: str) -> bool:
        """Return whether a page's address is on one of these sites."""
        origin = origin_of(url)
        return bool(origin) and origin in self


def plain_origin(text: str) -> str:
    """Return the origin that an owner means, as browsers spell it; raise `OriginError`.

    A page's whole address means the site that it is on, and without a scheme it is https.
    """
    written = text.strip()
    origin = origin_of(written if "://" in written else f"https://{written}")
    if not origin:
        raise OriginError(
            "That is no address of a website.", remedy="Write it like https://www.example.org."
        )
    return origin


def origin_of(url: str) -> str:
    """Return the origin of a page's address as browsers spell it, or "" if it has none."""
    try:
        parts = urlsplit(plain_page(url))
    except AddressError:
        return ""
    host = _plain_host((parts.hostname or "").lower())
    if not host:
        return ""
    usual = parts.port in (None, _USUAL_PORTS[parts.scheme])
    return f"{parts.scheme}://{host}" + ("" if usual else f":{parts.port}")


def is_allowed(allowed: AllowedOrigins, origin: str) -> bool:
    """Return whether a browser that names this `Origin` may post from there."""
    return origin in allowed


def allowed_origins(database: Database, catalogue: Catalogue) -> AllowedOrigins:
    """Return the allow-list as it is now."""
    with database.reading() as connection:
        return allowed_in(connection, catalogue.current(connection).practice.website_url)


def allowed_in(connection: Connection, website_url: str) -> AllowedOrigins:
    """Return the allow-list within a transaction, given the address of the practice's website."""
    return AllowedOrigins(origins_of_site(website_url), tuple(form_pages.list_origins(connection)))


def origins_of_site(url: str) -> tuple[str, ...]:
    """Return the origin of a website with and without `www.`, or nothing if the address is none."""
    origin = origin_of(url)
    if not origin:
        return ()
    scheme, _, host = origin.partition("://")
    twin = host.removeprefix(_WWW) if host.startswith(_WWW) else _WWW + host
    named = origin_of(f"{scheme}://{twin}") if _has_a_domain(host) else ""
    return tuple(filter(None, (origin, named)))


def add_origin(database: Database, text: str, now: datetime) -> str:
    """Add a site to the list, and return its origin; raise `OriginError` if it can be none."""
    origin = plain_origin(text)
    with database.writing() as connection:
        form_pages.add_origin(connection, origin, now)
    return origin


def drop_origin(database: Database, text: str) -> str:
    """Remove a site that was added, and return its origin; raise `OriginError` if it was not."""
    origin = plain_origin(text)
    with database.writing() as connection:
        if not form_pages.drop_origin(connection, origin):
            raise OriginError("That site is not on the list.")
    return origin


def _has_a_domain(host: str) -> bool:
    """Return whether a host is a name under a domain, as only those have a `www.`."""
    name = host.partition(":")[0]
    return "." in name and not name.rpartition(".")[2].isdigit() and not host.startswith("[")


def _plain_host(host: str) -> str:
    """Return a host in ASCII and without the dot that may end it; "" if that is impossible."""
    name = host.removesuffix(".")
    if ":" in name:
        return f"[{name}]"
    try:
        return name if name.isascii() else plain_mailbox(f"a@{name}").partition("@")[2].lower()
    except AddressError:
        return ""
