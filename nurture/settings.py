"""Settings, read once from the environment, from `.env` and from what the first start made."""

import os
import re
from base64 import b64decode
from collections.abc import Collection, Mapping
from datetime import timedelta
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from nurture.addresses import AddressError, is_safe_for_secrets, plain_feed, plain_page
from nurture.broker import address
from nurture.bucket_address import SCHEME, read_address
from nurture.domain.account.presets import PRESETS, AccountChoices, find_preset, read_number
from nurture.domain.door.waiting import WAITING_AN_HOUR
from nurture.domain.keys import Keys, split
from nurture.files.env import SettingsError, read_env_file
from nurture.files.private import ClosedFiles, look_for_open, mend
from nurture.files.secrets import NAME, is_to_be_made, made_at_first_start

__all__ = ["Settings", "SettingsError", "given_settings", "load_settings"]

#: The secrets of providers whose calls are signed as in Standard Webhooks.
_STANDARD_WEBHOOKS = (
    *("NURTURE_GENERIC_SECRET", "NURTURE_BOOKINGS_SECRET", "NURTURE_RESEND_SECRET"),
)

#: A signing secret shorter than this many characters can be guessed.
_SHORTEST_KEY = 16

#: What can stand before and after the @ of the address that reports come back to.
_BOUNCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,19}")
_BOUNCE_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")

#: The possible beginnings of a database URL; these drivers are installed with the program.
_DATABASES = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")

_CHECKOUT = Path(__file__).parent.parent


class Settings(BaseModel):
    """Every setting of the program, named `NURTURE_…` in the environment."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    database_url: str = Field(default="", repr=False)
    redis_url: str = Field(default="", repr=False)
    smtp_url: str = Field(default="", repr=False)
    imap_url: str = Field(default="", repr=False)
    bounce_address: str = ""
    mail_provider: str = ""
    smtp_connections: int = Field(default=48, ge=1, le=200)
    oauth_client_id: str = ""
    oauth_client_secret: str = Field(default="", repr=False)
    oauth_authorize_url: str = ""
    oauth_token_url: str = ""
    oauth_device_url: str = ""
    feed_url: str = ""
    feed_allow: tuple[str, ...] = ()
    base_url: str = ""
    secret_key: str = Field(repr=False)
    address_key: str = Field(default="", repr=False)
    leaked_keys: str = Field(default="", repr=False)
    data_dir: Path = Path("var")
    templates_dir: Path = _CHECKOUT / "templates/emails"
    clock: str | None = None
    sweep_seconds: float = Field(default=5, gt=0, le=3600)
    signup_secret: tuple[str, ...] = Field(default=(), repr=False)
    signup_token: tuple[str, ...] = Field(default=(), repr=False)
    signups_per_client_hour: int = Field(default=1000, ge=1)
    signups_per_form_hour: int = Field(default=5000, ge=1)
    waiting_an_hour: int = Field(default=WAITING_AN_HOUR, ge=0)
    trusted_proxies: int = Field(default=0, ge=0)
    backup_url: str = ""
    backup_s3_key: str = Field(default="", repr=False)
    backup_s3_secret: str = Field(default="", repr=False)
    metrics_token: str = Field(default="", repr=False)
    dkim_selector: str = ""
    dkim_key_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    account: str = ""
    limit_minute: int | None = None
    limit_hour: int | None = None
    limit_day: int | None = None
    limit_connections: int | None = None
    batch: int = Field(default=500, ge=1, le=5000)
    worker_processes: int = Field(default=2, ge=1)
    retention_days: int = Field(default=60, ge=1)
    secrets: Mapping[str, str] = Field(default_factory=dict, repr=False)

    @field_validator("signup_secret", "signup_token", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Split a setting at its commas; several values may be valid while one replaces another."""
        return split(value) if isinstance(value, str) else value

    @field_validator("address_key")
    @classmethod
    def _is_one_key(cls, key: str) -> str:
        if "," in key:
            raise ValueError("give only one key, as it never changes")
        return key.strip()

    @field_validator("account")
    @classmethod
    def _is_a_known_account(cls, name: str) -> str:
        found = find_preset(name) if name else None
        if name and found is None:
            *names, last = sorted(PRESETS)
            raise ValueError(f"write {', '.join(names)} or {last}")
        return found.key if found else ""

    @field_validator("limit_minute", "limit_hour", "limit_day", "limit_connections", mode="before")
    @classmethod
    def _is_a_limit(cls, value: object) -> object:
        return read_number(value) if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _is_a_database(cls, url: str) -> str:
        if url and url.partition(":")[0] not in _DATABASES:
            raise ValueError("write postgresql://user:password@host/name or sqlite:///path")
        try:
            _ = urlsplit(url).port
        except ValueError:
            raise ValueError(
                "write postgresql://user:password@host:port/name, and : / ? # @ % in a password "
                "as %3A %2F %3F %23 %40 %25"
            ) from None
        return url

    @field_validator("redis_url")
    @classmethod
    def _is_a_redis(cls, url: str) -> str:
        return address.readable(url) if url else url

    @field_validator("bounce_address")
    @classmethod
    def _takes_reports(cls, given: str) -> str:
        name, _, domain = given.strip().rpartition("@")
        # A number and its code are added to the name, which may have sixty-four characters.
        if given and not (_BOUNCE_NAME.fullmatch(name) and _BOUNCE_DOMAIN.fullmatch(domain)):
            raise ValueError(
                "write an address such as bounces@mail.example.org, with at most 20 letters, "
                "digits, hyphens or dots before the @"
            )
        return given.strip()

    @field_validator("oauth_authorize_url", "oauth_token_url", "oauth_device_url")
    @classmethod
    def _is_a_login_service(cls, url: str) -> str:
        if url and not is_safe_for_secrets(url):
            raise ValueError("write an address that begins with https://")
        return url

    @field_validator("mail_provider")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        return name.strip().lower()

    @property
    def account_choices(self) -> AccountChoices:
        """What the environment says about the account's limits."""
        numbers = (self.limit_minute, self.limit_hour, self.limit_day, self.limit_connections)
        return AccountChoices(self.account or None, *numbers)

    @property
    def smtp_host(self) -> str:
        """The name of the mail server; empty if none is set."""
        try:
            return urlsplit(self.smtp_url).hostname or ""
        except ValueError:
            return ""

    @field_validator("base_url")
    @classmethod
    def _is_a_web_address(cls, url: str) -> str:
        if not url:
            return url
        try:
            plain = plain_page(url)
        except AddressError:
            plain = ""
        if not plain or "?" in plain or "#" in plain:
            raise ValueError(
                "write the public address of these pages, such as https://mail.example.org"
            )
        return plain

    @field_validator("feed_url")
    @classmethod
    def _is_a_feed(cls, url: str) -> str:
        try:
            return plain_feed(url) if url else url
        except AddressError:
            raise ValueError("write the whole address of the blog's feed, with https://") from None

    @field_validator("feed_allow", mode="before")
    @classmethod
    def _are_networks(cls, said: object) -> object:
        if not isinstance(said, str):
            return said
        try:
            return tuple(str(ip_network(one, strict=False)) for one in split(said))
        except ValueError:
            raise ValueError("write networks with commas, such as 10.0.0.0/24") from None

    @field_validator("backup_url")
    @classmethod
    def _is_a_place(cls, url: str) -> str:
        plain = url.removeprefix("file://")
        if plain.startswith(SCHEME):
            read_address(plain)
        elif "://" in plain:
            raise ValueError("write the path of a folder, or s3:// and the name of a bucket")
        return plain

    @field_validator("host")
    @classmethod
    def _is_an_address(cls, host: str) -> str:
        try:
            return str(ip_address(host))
        except ValueError:
            raise ValueError("write an address, such as 127.0.0.1, 0.0.0.0 or ::1") from None

    @property
    def reached_at(self) -> str:
        """The address at which this machine itself reaches the web pages."""
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{here}]:{self.port}" if ":" in here else f"http://{here}:{self.port}"

    @field_validator("signup_secret")
    @classmethod
    def _are_signing_secrets(cls, secrets: tuple[str, ...]) -> tuple[str, ...]:
        for secret in secrets:
            kind, _, key = secret.partition("_")
            try:
                right = kind == "whsec" and bool(b64decode(key, validate=True))
            except ValueError:
                right = False
            if not right:
                raise ValueError("write whsec_ followed by random bytes in Base64")
        return secrets

    @model_validator(mode="after")
    def _dkim_is_whole(self) -> Self:
        if bool(self.dkim_selector) != bool(self.dkim_key_file):
            raise ValueError("NURTURE_DKIM_SELECTOR and NURTURE_DKIM_KEY_FILE: set both or neither")
        return self

    @property
    def database(self) -> str:
        """The database's address; that of the embedded one if none is set."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute()}/nurture.db"

    def mend_files(self) -> ClosedFiles:
        """Close the program's files on this machine to everyone but its own user."""
        return mend(self.data_dir, *self.database_files)

    def open_files(self) -> list[str]:
        """Return what other users of this machine can open, in sentences; nothing is changed."""
        return look_for_open(self.data_dir, *self.database_files)

    @property
    def database_files(self) -> tuple[Path, ...]:
        """The embedded database's file and those beside it; empty for a server."""
        if not self.database.startswith("sqlite:///"):
            return ()
        path = self.database.removeprefix("sqlite:///").partition("?")[0]
        return tuple(Path(path + end) for end in ("", "-wal", "-shm"))

    @property
    def retention(self) -> timedelta:
        """How long raw data about opens and clicks (from where, and with what) is stored."""
        return timedelta(days=self.retention_days)

    @property
    def public_url(self) -> str:
        """The address at which people reach our pages, without a slash at the end."""
        return (self.base_url or self.reached_at).rstrip("/")

    @property
    def secrets_file(self) -> Path:
        """The file of the secrets that the first start made."""
        return self.data_dir / NAME

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The signing secrets as they are written, newest first."""
        return split(self.secret_key)

    @property
    def keys(self) -> Keys:
        """The keys: for signing, for hashing addresses, and those that have leaked."""
        return Keys.of(self.secret_key, self.address_key, self.leaked_keys)

    def provider_secret(self, provider: str) -> str:
        """Return a mail or booking provider's `NURTURE_<NAME>_SECRET`, or an empty string."""
        return self.secret(f"NURTURE_{provider.upper()}_SECRET")

    def secret(self, setting: str) -> str:
        """Return the value of one of the `NURTURE_…_SECRET` settings, or an empty string."""
        return self.secrets.get(setting, "")

    def first_steps(self) -> list[str]:
        """Return what must still be set before real people are emailed, in sentences."""
        wanted = [
            (not self.smtp_url, "NURTURE_SMTP_URL: until then, emails stay in the local outbox."),
            (not self.base_url, "NURTURE_BASE_URL: the public https address of these pages."),
            (
                not self.dkim_selector,
                "NURTURE_DKIM_SELECTOR and NURTURE_DKIM_KEY_FILE, unless the mail server signs.",
            ),
        ]
        return [said for missing, said in wanted if missing]

    def doubtful(self, providers: Collection[str] = ()) -> list[str]:
        """Return settings that are probably mistakes, in sentences.

        If `providers` are given, a secret for any other provider is reported as well.
        """
        short = [key for key in self.secret_keys if len(key) < _SHORTEST_KEY]
        said = ["NURTURE_SECRET_KEY is so short that it can be guessed."] if short else []
        if self.address_key and len(self.address_key) < _SHORTEST_KEY:
            said.append("NURTURE_ADDRESS_KEY is so short that it can be guessed.")
        if any(len(secret) < _SHORTEST_KEY for secret in self.signup_secret):
            said.append("NURTURE_SIGNUP_SECRET is so short that it can be guessed.")
        said += [
            f"{name} must begin with whsec_; until then, its calls are refused."
            for name in _STANDARD_WEBHOOKS
            if self.secret(name) and not self.secret(name).startswith("whsec_")
        ]
        known = {f"NURTURE_{name.upper()}" for name in type(self).model_fields}
        known |= {f"NURTURE_{name.upper()}_SECRET" for name in providers}
        unknown = [
            name
            for name in sorted(self.secrets)
            if name not in known and (providers or not name.endswith("_SECRET"))
        ]
        return said + [_unknown(name, known - {"NURTURE_SECRETS"}) for name in unknown]


def _unknown(name: str, known: Collection[str]) -> str:
    """Say that a setting does not exist, and which one was probably meant."""
    meant = get_close_matches(name.upper(), known, n=1, cutoff=0.8)
    question = f" Did you mean {meant[0]}?" if meant else ""
    return f"{name} is not a setting of this program.{question}"


def load_settings(
    environment: Mapping[str, str] | None = None, *, looking: bool = False
) -> Settings:
    """Return the settings from `environment` (by default the process's own).

    Raise `SettingsError` if they cannot be used. The environment has priority over `.env`, and
    `.env` over what the first start made and stored in the data directory. With `looking`, nothing
    is made there.
    """
    given = given_settings(environment)
    data_dir = Path(given.get("NURTURE_DATA_DIR", "var"))
    values = made_at_first_start(data_dir, given, looking=looking) | given
    fields: dict[str, object] = {
        name.removeprefix("NURTURE_").lower(): value
        for name, value in values.items()
        if name.isupper()
    }
    try:
        return Settings.model_validate(fields | {"secrets": values})
    except ValidationError as error:
        raise SettingsError("; ".join(map(_sentence, error.errors())) + ".") from None


def given_settings(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what is set in the environment and in `.env`, if it is ours and not empty."""
    own = os.environ if environment is None else environment
    everything = read_env_file(Path(".env")) | dict(own)
    return {k: v for k, v in everything.items() if k.upper().startswith("NURTURE_") and v}


def first_start_is_to_come(settings: Settings) -> bool:
    """Return whether secrets are neither set nor made yet, so that those in use are not saved."""
    return is_to_be_made(settings.data_dir, given_settings())


def _sentence(fault: Mapping[str, Any]) -> str:
    said = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] in ("int_parsing", "int_from_float"):
        said = "write a whole number"
    elif fault["type"] == "float_parsing":
        said = "write a number"
    said = said.replace("Input should be", "it must be")
    return f"NURTURE_{str(fault['loc'][0]).upper()}: {said}" if fault["loc"] else said
