"""Rotating: a new key signs from now on; links of before work on or, where it leaked, lead out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nurture.domain.errors import NurtureError
from nurture.domain.keys import Keys, joined
from nurture.files.secrets import ADDRESS_KEY, LEAKED_KEYS, SECRET_KEY, change_secrets, new_key
from nurture.sealing import Seal
from nurture.services.keys.mark import refuse_other_keys
from nurture.services.owner.security import seal_secrets
from nurture.settings import Settings
from nurture.store.database import Database, DatabaseUnavailableError, NewerDatabaseError
from nurture.store.shape import NEWEST
from nurture.tokens import Tokens


class KeysSetElsewhereError(NurtureError):
    """The keys come from a place that the program does not write to."""


class Sealed(StrEnum):
    """What became of the secrets of second factors."""

    AFRESH = "afresh"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Rotated:
    """The keys from now on; nothing of them is shown."""

    keys: Keys = field(repr=False)
    sealed: Sealed

    @property
    def settings(self) -> dict[str, str]:
        """The keys as they are set."""
        return as_settings(self.keys)


def as_settings(keys: Keys) -> dict[str, str]:
    """The settings that hold these keys; the key for addresses is named even if it was not."""
    found = {SECRET_KEY: joined(keys.signing), ADDRESS_KEY: keys.address}
    return found | ({LEAKED_KEYS: joined(keys.leaked)} if keys.leaked else {})


def insist_on_file(given: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Raise `KeysSetElsewhereError` where one of the keys is set in front of the file."""
    for name in (SECRET_KEY, ADDRESS_KEY, LEAKED_KEYS):
        if name in given:
            place = "the environment" if environment.get(name) else ".env"
            raise KeysSetElsewhereError(
                f"{name} is set in {place}, which is yours to write.",
                remedy="Add --to FILE, and the lines to put there are written to that file; or "
                "--show, and they are printed.",
            )


def rotate(settings: Settings, leaked: bool) -> Rotated:
    """Put a new key into the file of secrets, and see that no leaked one seals anything.

    Raises `SettingsError`, `NewerDatabaseError` or `KeysMissingError`.
    """
    made: list[Keys] = []

    def change(values: Mapping[str, str]) -> Mapping[str, str]:
        found = (values.get(name, "") for name in (SECRET_KEY, ADDRESS_KEY, LEAKED_KEYS))
        made.append(draw(Keys.of(*found), settings.database, leaked))
        return as_settings(made[-1])

    change_secrets(settings.secrets_file, change)
    return Rotated(made[-1], _seal_afresh(settings.database, made[-1]) if leaked else Sealed.LATER)


def draw(keys: Keys, database_url: str, leaked: bool) -> Keys:
    """These keys with a new one in front, unless they are not those of the database.

    A database that is away keeps nobody from it. Raises `KeysMissingError`.
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
    """Seal with the new key what a leaked one has sealed; later, where the database is away."""
    database = Database(database_url)
    try:
        if database.exists() and database.find_shape() != NEWEST:
            return Sealed.LATER
        if database.exists():
            seal_secrets(database, Seal(keys.opening))
        return Sealed.AFRESH
    except DatabaseUnavailableError:
        return Sealed.LATER
    finally:
        database.close()
