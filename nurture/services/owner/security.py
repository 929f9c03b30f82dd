"""Account security: the password and the second factor.

Every change ends all sessions and starts a new one for the browser that made it.
"""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.passwords import insist_on_good
from nurture.sealing import Seal, SealBrokenError
from nurture.services.owner import credentials, sessions
from nurture.services.owner.credentials import fingerprint_of
from nurture.store.database import Connection, Database
from nurture.store.tables import owners, sign_ins
from nurture.store.tables.owners import Owner


@dataclass(frozen=True, slots=True)
class AccountSecurity:
    """What the account page shows; `pending_secret` awaits its first code."""

    address: str
    asks_for_codes: bool
    pending_secret: str | None


def get_account(database: Database, seal: Seal, owner: int) -> AccountSecurity:
    """Return an owner's account; may raise `UnknownOwnerError`."""
    with database.reading() as connection:
        found = _get_owner(connection, owner)
    return AccountSecurity(found.address, found.totp_secret is not None, _pending(seal, found))


def change_password(
    database: Database, owner: int, present: str, wanted: str, now: datetime
) -> sessions.SignedIn:
    """Replace the password.

    May raise `SignInRefusedError`, `PasswordRefusedError` or `TooManyAttemptsError`.
    """
    found = _insist_on_password(database, owner, present, now)
    insist_on_good(wanted, found.address)
    password_hash = credentials.hash_password(wanted)
    with database.writing() as connection:
        owners.set_password_hash(connection, owner, password_hash)
        return _begin_afresh(connection, found, now)


def offer_codes(database: Database, seal: Seal, owner: int) -> None:
    """Create a secret for an app; codes are required once the first has been entered."""
    sealed = seal.seal(credentials.new_secret())
    with database.writing() as connection:
        owners.set_pending_secret(connection, owner, sealed)


def take_on_codes(
    database: Database, seal: Seal, owner: int, code: str, now: datetime
) -> tuple[sessions.SignedIn, list[str]]:
    """Require codes from now on; return the new session and the recovery codes, shown only once.

    Raise `SignInRefusedError` if the code was not made with the offered secret.
    """
    codes = credentials.new_recovery_codes()
    with database.writing() as connection:
        found = _get_owner(connection, owner)
        secret = _pending(seal, found)
        counter = credentials.find_counter(secret, code, now) if secret else None
        if secret is None or counter is None:
            raise sessions.SignInRefusedError(
                "That code is not right.",
                remedy="Type the six digits that the app shows now; its clock must be right.",
            )
        owners.set_secret(connection, owner, seal.seal(secret), counter)
        owners.replace_recovery_codes(connection, owner, map(fingerprint_of, codes))
        return _begin_afresh(connection, found, now), codes


def give_up_codes(
    database: Database, owner: int, password: str, now: datetime
) -> sessions.SignedIn:
    """Stop requiring codes; may raise `SignInRefusedError` or `TooManyAttemptsError`."""
    found = _insist_on_password(database, owner, password, now)
    with database.writing() as connection:
        owners.set_secret(connection, owner, None, 0)
        owners.replace_recovery_codes(connection, owner, ())
        return _begin_afresh(connection, found, now)


def reset_codes(database: Database, address: str) -> None:
    """Stop requiring codes from an owner and sign them out; may raise `UnknownOwnerError`.

    It is for owners who lost both their phone and their recovery codes, or if the key that encrypts
    the secret is lost.
    """
    with database.writing() as connection:
        found = sessions.get_owner_of(connection, address)
        owners.set_secret(connection, found.id, None, 0)
        owners.replace_recovery_codes(connection, found.id, ())
        sign_ins.end_sessions_of(connection, found.id)


def seal_secrets(database: Database, seal: Seal) -> int:
    """Re-encrypt secrets that are in clear text or use an older key; return the number of owners.

    A secret that cannot be decrypted stays as it is: its key may come back.
    """
    with database.reading() as connection:
        if not any(_is_stale(seal, one) for one in owners.all_owners(connection)):
            return 0
    with database.writing() as connection:
        stale = [one for one in owners.all_owners(connection) if _is_stale(seal, one)]
        for one in stale:
            sealed = (_afresh(seal, kept) for kept in (one.totp_secret, one.totp_pending))
            owners.replace_secrets(connection, one.id, *sealed)
    return len(stale)


def _is_stale(seal: Seal, owner: Owner) -> bool:
    kept = (owner.totp_secret, owner.totp_pending)
    return any(_afresh(seal, one) != one for one in kept if one and not seal.is_newest(one))


def _afresh(seal: Seal, kept: str | None) -> str | None:
    if kept is None or seal.is_newest(kept):
        return kept
    try:
        return seal.seal(seal.open(kept))
    except SealBrokenError:
        return kept


def _pending(seal: Seal, owner: Owner) -> str | None:
    """Return the secret that awaits its first code; None if it cannot be decrypted."""
    try:
        return seal.open(owner.totp_pending) if owner.totp_pending else None
    except SealBrokenError:
        return None


def _insist_on_password(database: Database, owner: int, password: str, now: datetime) -> Owner:
    """Check the password, limiting attempts as at sign-in, in case a browser was left open."""
    attempt = sessions.note_attempt(database, f"account:{owner}", f"account:{owner}", now)
    with database.reading() as connection:
        found = _get_owner(connection, owner)
    if not credentials.is_password(password, found.password_hash):
        raise sessions.SignInRefusedError("That is not your present password.")
    with database.writing() as connection:
        sign_ins.forget_attempt(connection, attempt)
    return found


def _begin_afresh(connection: Connection, owner: Owner, now: datetime) -> sessions.SignedIn:
    sign_ins.end_sessions_of(connection, owner.id)
    return sessions.begin_session(connection, owner, now, code_given=True)


def _get_owner(connection: Connection, owner: int) -> Owner:
    found = owners.find_owner(connection, owner)
    if found is None:
        raise sessions.UnknownOwnerError("This account has been removed.")
    return found
