"""The keys of websites: made, shown, found by what a call shows, and revoked.

A key belongs in the address that a form builder calls. It proves nothing that a visitor of the page
could not also know, so what comes with it must be confirmed. With the site's secret a call can be
signed, which proves that the website itself sent it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe

from nurture.domain.errors import NurtureError
from nurture.sealing import Seal, SealBrokenError
from nurture.signatures import SECRET_PREFIX, new_secret
from nurture.store.database import Connection, Database
from nurture.store.tables import site_keys
from nurture.store.tables.site_keys import StoredSite

#: 160 random bits: nobody guesses one.
_KEY_BYTES = 20

_LONGEST_NAME, _LONGEST_SECRET = 80, 500


class UnknownSiteError(NurtureError):
    """No website has that key or number, or its key has been revoked."""


class SiteNameError(NurtureError):
    """A name that a website cannot have."""


class SiteSecretError(NurtureError):
    """A text that cannot be the secret of a form builder."""


@dataclass(frozen=True, slots=True)
class Site:
    """A website that may call; the repr shows neither its key nor its secret."""

    id: int
    name: str
    made_at: datetime
    revoked_at: datetime | None = None
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)

    @property
    def standard_secrets(self) -> tuple[str, ...]:
        """The secret if it fits Standard Webhooks; one that a form builder issued may not."""
        return (self.secret,) if self.secret.startswith(SECRET_PREFIX) else ()


def add_site(database: Database, seal: Seal, name: str, now: datetime) -> Site:
    """Make a key and a secret for a website; may raise `SiteNameError`."""
    named = " ".join(name.split())
    if not named or len(named) > _LONGEST_NAME or not named.isprintable():
        raise SiteNameError(
            "That is no name for a website.", remedy="Write a name of at most 80 characters."
        )
    key, secret = token_urlsafe(_KEY_BYTES), new_secret()
    row = {
        "name": named,
        "key_hash": hash_of(key),
        "sealed_key": seal.seal(key),
        "sealed_secret": seal.seal(secret),
        "made_at": now,
    }
    with database.writing() as connection:
        number = site_keys.add_site(connection, row)
    return Site(number, named, now, key=key, secret=secret)


def list_sites(database: Database, seal: Seal) -> list[Site]:
    """Return every website, the newest first, with its key and secret if they can be opened."""
    with database.reading() as connection:
        return [_opened(seal, stored) for stored in site_keys.list_sites(connection)]


def get_site(database: Database, seal: Seal, key: str) -> Site:
    """Return the website with a key; raise `UnknownSiteError` if it is unknown or revoked."""
    with database.reading() as connection:
        return _opened(seal, get_stored_site(connection, key))


def get_numbered_site(database: Database, seal: Seal, number: int) -> Site:
    """Return the website with a number; raise `UnknownSiteError` if there is none."""
    found = next((site for site in list_sites(database, seal) if site.id == number), None)
    if found is None:
        raise UnknownSiteError("There is no such website.")
    return found


def get_stored_site(connection: Connection, key: str) -> StoredSite:
    """Return the website with a key as it is stored; raise `UnknownSiteError`."""
    found = site_keys.find_site(connection, hash_of(key))
    if found is None or found.revoked_at is not None:
        raise UnknownSiteError(
            "There is no such address.", remedy="Copy it again from the studio, whole."
        )
    return found


def revoke_site(database: Database, number: int, now: datetime) -> None:
    """Let a website's key and secret open nothing from now on; raise `UnknownSiteError`."""
    with database.writing() as connection:
        if not site_keys.change_site(connection, number, revoked_at=now):
            raise UnknownSiteError("There is no such website.")


def keep_secret(database: Database, seal: Seal, number: int, secret: str) -> None:
    """Store a secret that a form builder has made; raise `SiteSecretError`, `UnknownSiteError`."""
    plain = secret.strip()
    if not plain or len(plain) > _LONGEST_SECRET or not plain.isprintable():
        raise SiteSecretError(
            "That is no secret.", remedy="Copy it again from the form builder, whole."
        )
    with database.writing() as connection:
        sealed = seal.seal(plain)
        if not site_keys.change_site(connection, number, sealed_secret=sealed):
            raise UnknownSiteError("There is no such website.")


def seal_sites(database: Database, seal: Seal) -> None:
    """Seal every key and secret with the newest of our keys; what cannot be opened stays."""
    with database.writing() as connection:
        for stored in site_keys.list_sites(connection):
            values = {
                name: seal.seal(opened)
                for name in ("sealed_key", "sealed_secret")
                if not seal.is_newest(getattr(stored, name))
                and (opened := _open(seal, getattr(stored, name)))
            }
            if values:
                site_keys.change_site(connection, stored.id, **values)


def hash_of(key: str) -> str:
    """Return the hash by which a key is found; it is too random to be guessed from that."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _opened(seal: Seal, stored: StoredSite) -> Site:
    return Site(
        stored.id,
        stored.name,
        stored.made_at,
        stored.revoked_at,
        _open(seal, stored.sealed_key),
        _open(seal, stored.sealed_secret),
    )


def _open(seal: Seal, sealed: str) -> str:
    """Return what was sealed, or "" if its key is gone."""
    try:
        return seal.open(sealed)
    except SealBrokenError:
        return ""
