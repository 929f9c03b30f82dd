"""Key rotation: a new key signs from now on; older links still work or, if leaked, only opt out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nurture.domain.errors import NurtureError
from nurture.domain.keys import Keys, joined
from nurture.files.secrets import ADDRESS_KEY, LEAKED_KEYS, SECRET_KEY, change_secrets, new_key
from nurture.sealing import Seal
from nurture.services.keys.mark import refuse_other_keys
from nurture.services.keys.sealed import seal_afresh
from nurture.settings import Settings
from nurture.store.database import Database, DatabaseUnavailableError, NewerDatabaseError
from nurture.store.shape import NEWEST
from nurture.tokens import Tokens


class KeysSetElsewhereError(NurtureError):
    """The keys are set in a place that the program does not write to."""


class Sealed(StrEnum):
    """What happened to sealed secrets: those of second factors, the mail account and evidence."""

    AFRESH = "afresh"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Rotated:
    """The keys from now on; their repr shows none of them."""

    keys: Keys = field(repr=False)
    sealed: Sealed

    @property
    def settings(self) -> dict[str, str]:
        """The keys as settings."""
        return as_settings(self.keys)


def as_settings(keys: Keys) -> dict[str, str]:
    """Return the settings for these keys; the address key is always included."""
    found = {SECRET_KEY: joined(keys.signing), ADDRESS_KEY: keys.address}
    return found | ({LEAKED_KEYS: joined(keys.leaked)} if keys.leaked else {})


def insist_on_file(given: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Raise `KeysSetElsewhereError` if one of the keys is set in a way that overrides the file."""
    for name in (SECRET_KEY, ADDRESS_KEY, LEAKED_KEYS):
        if name in given:
            place = "the environment" if environment.get(name) else ".env"
            raise KeysSetElsewhereError(
                f"{name} is set in {place}, which is yours to write.",
                remedy="Add --to FILE, and the lines to put there are written to that file; or "
                "--show, and they are printed.",
            )


def rotate(settings: Settings, leaked: bool) -> Rotated:
    """Write a new key to the secrets file, and ensure that no leaked key encrypts anything.

    May raise `SettingsError`, `NewerDatabaseError` or `KeysMissingError`.
    """
    made: list[Keys] = []

    def change(values: Mapping[str, str]) -> Mapping[str, str]:
        found = (values.get(name, "") for name in (SECRET_KEY, ADDRESS_KEY, LEAKED_KEYS))
        made.append(draw(Keys.of(*found), settings.database, leaked))
        return as_settings(made[-1])

    change_secrets(settings.secrets_file, change)
    return Rotated(made[-1], _seal_afresh(settings.database, made[-1]) if leaked else Sealed.LATER)


def draw(keys: Keys, database_url: str, leaked: bool) -> Keys:
    """Return these keys with a new one in front, unless they do not belong to the database.

    An unavailable database does not prevent this. May raise `KeysMissingError`.
    """
    rotated, database = keys.rotated(new_key(), leaked), Database(database_url)
    try:
        if database.exists() and database.find_shape() == NEWEST:
            refuse_other_keys(database, Tokens.of(rotated))
    except NewerDatabaseError:
        raise
    except DatabaseUnavailableError:
        return rotated
    finally:
        database.close()
    return rotated


def _seal_afresh(database_url: str, keys: Keys) -> Sealed:
    """Re-encrypt with the new key what a leaked one encrypted; defer it if the database is down."""
    database = Database(database_url)
    try:
        if database.exists() and database.find_shape() != NEWEST:
            return Sealed.LATER
        if database.exists():
            seal_afresh(database, Seal(keys.opening))
        return Sealed.AFRESH
    except DatabaseUnavailableError:
        return Sealed.LATER
    finally:
        database.close()
