"""Signing in to the studio and out again.

A browser has a random identifier; the database has only its hash, so that anyone who reads the
database cannot take over a session. The identifier changes at every sign-in, after a
second-factor code, and whenever the password or that factor changes.
"""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network

from nurture.domain import sessions
from nurture.domain.errors import NurtureError
from nurture.domain.passwords import insist_on_good
from nurture.domain.subscribers.address import address_key, address_keys
from nurture.sealing import Seal, SealBrokenError
from nurture.services.owner import credentials
from nurture.services.owner.credentials import fingerprint_of, new_identifier
from nurture.store.database import Connection, Database
from nurture.store.tables import owners, sign_ins
from nurture.store.tables.owners import Owner


class SignInRefusedError(NurtureError):
    """The address and password do not match, or the code is not the current one."""


class SecondFactorLostError(SignInRefusedError):
    """No code can be checked, because the key that encrypts the secret is gone."""


class TooManyAttemptsError(NurtureError):
    """Too many attempts have failed, so none is accepted for a while."""


class LinkSpentError(NurtureError):
    """A one-time link that has been used, has expired, or never existed."""


class UnknownOwnerError(NurtureError):
    """No owner has that address."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser with a session: `identifier` goes into its cookie and nowhere else."""

    identifier: str
    owner: int
    address: str
    awaits_code: bool = False


# --- On the server: who may sign in ---------------------------------------------------------------


def make_link(database: Database, address: str, now: datetime) -> str:
    """Return a token with which that owner sets a password once, within a day; add a new owner."""
    token = new_identifier()
    with database.writing() as connection:
        known = owners.find_owner_by_address(connection, address_keys(address))
        owner = known.id if known else owners.add_owner(connection, address_key(address), now)
        owners.put_link(connection, owner, fingerprint_of(token), now + sessions.LINK_LASTS)
    return token


def all_owners(database: Database) -> list[Owner]:
    """Return everyone who may open the studio."""
    with database.reading() as connection:
        return owners.all_owners(connection)


def remove_owner(database: Database, address: str) -> None:
    """Bar an owner from the studio immediately; may raise `UnknownOwnerError`."""
    with database.writing() as connection:
        owner = get_owner_of(connection, address)
        sign_ins.end_sessions_of(connection, owner.id)
        owners.remove_owner(connection, owner.id)


def get_owner_of(connection: Connection, address: str) -> Owner:
    """Return the owner with that address; may raise `UnknownOwnerError`."""
    owner = owners.find_owner_by_address(connection, address_keys(address))
    if owner is None:
        raise UnknownOwnerError(
            f"{address} is no owner.", remedy="“nurture owner list” shows who is."
        )
    return owner


# --- Getting in -----------------------------------------------------------------------------------


def find_link(database: Database, token: str, now: datetime) -> str | None:
    """Return the address of the link's owner, while the link is valid."""
    with database.reading() as connection:
        owner = owners.find_link(connection, fingerprint_of(token), now)
    return owner.address if owner else None


def set_first_password(database: Database, token: str, password: str, now: datetime) -> SignedIn:
    """Use a one-time link: set the password, end every session, and sign in.

    May raise `LinkSpentError` or, leaving the link valid, `PasswordRefusedError`. An owner
    with a second factor must still enter its code.
    """
    with database.reading() as connection:
        owner = owners.find_link(connection, fingerprint_of(token), now)
    if owner is None:
        raise _spent()
    insist_on_good(password, owner.address)
    password_hash = credentials.hash_password(password)
    with database.writing() as connection:
        if not owners.use_link(connection, fingerprint_of(token)):
            raise _spent()
        owners.set_password_hash(connection, owner.id, password_hash)
        sign_ins.end_sessions_of(connection, owner.id)
        return begin_session(connection, owner, now)


def sign_in(
    database: Database, address: str, password: str, client: str, account: str, now: datetime
) -> SignedIn:
    """Check a password and start a session, which may still await a second-factor code.

    `client` is the caller's IP address and `account` a keyed hash of the email address, by which
    failures are counted. An unknown address gets the same response as a wrong password, after the
    same time. May raise `SignInRefusedError` or `TooManyAttemptsError`.
    """
    attempt = note_attempt(database, account, client, now)
    with database.reading() as connection:
        owner = owners.find_owner_by_address(connection, address_keys(address))
    right = credentials.is_password(password, owner.password_hash if owner else None)
    if owner is None or not right:
        raise SignInRefusedError("The address and the password do not belong together.")
    with database.writing() as connection:
        sign_ins.forget_attempt(connection, attempt)
        return begin_session(connection, owner, now)


def give_code(
    database: Database,
    seal: Seal,
    waiting: SignedIn,
    code: str,
    client: str,
    account: str,
    now: datetime,
) -> SignedIn:
    """Complete a sign-in with a second-factor code or a recovery code.

    Each code can be used once. May raise `SignInRefusedError` or `TooManyAttemptsError`.
    """
    attempt = note_attempt(database, account, client, now)
    with database.writing() as connection:
        owner = owners.find_owner(connection, waiting.owner)
        if owner is None or not _spend(connection, seal, owner, code, now):
            raise SignInRefusedError("That code is not right, or it has been used.")
        sign_ins.forget_attempt(connection, attempt)
        sign_ins.end_session(connection, fingerprint_of(waiting.identifier))
        return begin_session(connection, owner, now, code_given=True)


def begin_session(
    connection: Connection, owner: Owner, now: datetime, code_given: bool = False
) -> SignedIn:
    """Start a session with a new identifier."""
    identifier = new_identifier()
    awaits_code = owner.totp_secret is not None and not code_given
    sign_ins.add_session(connection, fingerprint_of(identifier), owner.id, awaits_code, now)
    return SignedIn(identifier, owner.id, owner.address, awaits_code)


def _spend(connection: Connection, seal: Seal, owner: Owner, code: str, now: datetime) -> bool:
    typed = fingerprint_of(credentials.as_recovery_code(code))
    if owners.spend_recovery_code(connection, owner.id, typed):
        return True
    if owner.totp_secret is None:
        return False  # Codes were turned off in another browser.
    secret = _opened(seal, owner.totp_secret, owner.address)
    counter = credentials.find_counter(secret, code, now)
    return counter is not None and owners.spend_code(connection, owner.id, counter)


def _opened(seal: Seal, secret: str, address: str) -> str:
    try:
        return seal.open(secret)
    except SealBrokenError:
        raise SecondFactorLostError(
            "Codes cannot be checked, because NURTURE_SECRET_KEY is not the key any more that they "
            "were sealed with.",
            remedy="Put that key back, at the end of the list. Or type one of your recovery codes. "
            f"Or, on the server: nurture owner reset-codes {address}",
        ) from None


def note_attempt(database: Database, account: str, client: str, now: datetime) -> int:
    """Record an attempt before checking it, so that parallel attempts cannot exceed the limit.

    Return its number, to be deleted on success; may raise `TooManyAttemptsError`. If the client is
    unknown (""), only attempts at the account count: otherwise one visitor behind a proxy could
    lock everyone out.
    """
    place = _network(client)
    with database.writing() as connection:
        sign_ins.forget_old(connection, now - sessions.COUNTED_FOR, now - sessions.SESSION_LASTS)
        failed = sign_ins.count_failures(connection, account, place, now - sessions.COUNTED_FOR)
        too_many = failed.of_account >= sessions.FAILURES_PER_ACCOUNT or (
            place and failed.of_client >= sessions.FAILURES_PER_CLIENT
        )
        if not too_many:
            return sign_ins.add_attempt(connection, account, place, now)
    raise TooManyAttemptsError(
        "Too many attempts to sign in have failed.", remedy="Please try again in fifteen minutes."
    )


def _network(client: str) -> str:
    """Return the client as it is counted: one household has a whole /64 of IPv6 addresses."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else client


def _spent() -> LinkSpentError:
    return LinkSpentError(
        "This link has been used or has expired.",
        remedy="“nurture owner add” with your address makes a new one.",
    )


# --- Being in, and getting out --------------------------------------------------------------------


def find_signed_in(database: Database, identifier: str, now: datetime) -> SignedIn | None:
    """Return the session for a browser's cookie while it lasts; using it extends it."""
    key = fingerprint_of(identifier)
    with database.reading() as connection:
        session = sign_ins.find_session(connection, key)
    if session is None or _is_over(session, now):
        return None
    if not session.awaits_code and now >= session.used_at + sessions.NOTED_EVERY:
        with database.writing() as connection:
            sign_ins.note_use(connection, key, now)
    return SignedIn(identifier, session.owner, session.address, session.awaits_code)


def sign_out(database: Database, identifier: str) -> None:
    """End this browser's session."""
    with database.writing() as connection:
        sign_ins.end_session(connection, fingerprint_of(identifier))


def sign_out_everywhere(database: Database, owner: int) -> int:
    """End every session of an owner, this one included; return how many there were."""
    with database.writing() as connection:
        return sign_ins.end_sessions_of(connection, owner)


def count_browsers(database: Database, owner: int, now: datetime) -> int:
    """Return how many browsers an owner is signed in with."""
    with database.reading() as connection:
        return sign_ins.count_sessions(connection, owner, now - sessions.IDLE_AT_MOST)


def _is_over(session: sign_ins.Session, now: datetime) -> bool:
    too_late = session.awaits_code and now >= session.began_at + sessions.CODE_WAITS
    return too_late or sessions.SessionTimes(session.began_at, session.used_at).is_over(now)
