"""The mail server's address and how to connect to it: the meaning of NURTURE_SMTP_URL."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from nurture.addresses import is_loopback
from nurture.domain.errors import NurtureError
from nurture.mail.login import LoginMethod

SUBMISSION_PORT = 587
RELAY_PORT = 25
IMPLICIT_TLS_PORT = 465


class RouteError(NurtureError):
    """The mail server's URL cannot be used; it is never quoted, because it contains a password."""


class StartTls(StrEnum):
    """Whether to turn a plain connection into an encrypted one (RFC 3207)."""

    REQUIRED = "required"
    WHEN_OFFERED = "when offered"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class SmtpRoute:
    """A mail server, and the login to use there if any."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    implicit_tls: bool = False
    starttls: StartTls = StartTls.WHEN_OFFERED
    login: LoginMethod = LoginMethod.PASSWORD

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def may_encrypt(self) -> bool:
        """False if the connection is plain whatever the server offers."""
        return self.implicit_tls or self.starttls is not StartTls.NEVER

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Parse `smtp://user:password@host:port` or `smtps://…`, percent-decoding it.

        `?starttls=required` and `?starttls=never` decide about encryption. Without either,
        a password is never sent unencrypted; otherwise a server on this machine is used in plain
        text, and any other with encryption if it offers it. With `?auth=xoauth2` or
        `?auth=oauthbearer` an access token, treated like a password, takes the place of one.
        Raise RouteError, which names the invalid part and never quotes it.
        """
        parts = _split(url)
        options = _options(parts)
        login = _login(options)
        host, user, password = _host(parts), _user(parts), _password(parts, login)
        return cls(
            host=host,
            port=_port(parts, authenticated=user is not None),
            user=user,
            password=password,
            implicit_tls=parts.scheme == "smtps",
            starttls=_starttls(parts, options, host, authenticated=user is not None),
            login=login,
        )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        raise RouteError(
            "NURTURE_SMTP_URL cannot be read.", remedy="Write it as smtp://user:password@host:port."
        ) from None
    if parts.scheme not in ("smtp", "smtps"):
        raise RouteError(
            "NURTURE_SMTP_URL does not begin with smtp:// or smtps://.",
            remedy="Write it as smtp://user:password@host:port.",
        )
    if parts.path not in ("", "/") or parts.fragment:
        raise RouteError(
            "NURTURE_SMTP_URL goes on after the host and port.",
            remedy="If the password holds / ? # or @, write them as %2F %3F %23 and %40.",
        )
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname
    if not host:
        raise RouteError(
            "NURTURE_SMTP_URL names no host.", remedy="Write it as smtp://user:password@host:port."
        )
    if not _is_plain(host):
        raise RouteError(
            "The host in NURTURE_SMTP_URL holds a character that no host name has.",
            remedy="Use letters, digits, hyphens and dots; international names begin with xn--.",
        )
    return host


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _user(parts: SplitResult) -> str | None:
    return _credential(parts.username, "user name") if parts.username else None


def _password(parts: SplitResult, login: LoginMethod) -> str | None:
    if login.needs_token:
        _insist_on_user_alone(parts, login)
    elif bool(parts.username) != bool(parts.password):
        raise RouteError(
            "NURTURE_SMTP_URL has only one of user name and password.",
            remedy="Give both, as in smtp://user:password@host:port, or neither; or, for a "
            "connected account, the user name and ?auth=xoauth2.",
        )
    return _credential(parts.password, "password") if parts.password else None


def _insist_on_user_alone(parts: SplitResult, login: LoginMethod) -> None:
    if parts.password:
        raise RouteError(
            f"NURTURE_SMTP_URL has both a password and auth={login}.",
            remedy="A connected account needs no password: leave one of the two out.",
        )
    if not parts.username:
        raise RouteError(
            f"NURTURE_SMTP_URL has auth={login} and no user name.",
            remedy="Write the account’s address first, as in "
            "smtp://paul%40practice.example@host:port?auth=xoauth2.",
        )


def _credential(quoted: str, name: str) -> str:
    text = unquote(quoted, errors="replace")
    if not (text.isascii() and text.isprintable()):
        raise RouteError(
            f"The {name} in NURTURE_SMTP_URL holds a character outside printable ASCII.",
            remedy="Ask the mail provider for a login without such characters.",
        )
    return text


def _port(parts: SplitResult, *, authenticated: bool) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise RouteError(
            "The port in NURTURE_SMTP_URL is not a number from 1 to 65535.",
            remedy="Usual ports are 587, 465 and 25. If the password holds : / ? # or @, "
            "write them as %3A %2F %3F %23 and %40.",
        )
    if port is None and parts.scheme == "smtps":
        return IMPLICIT_TLS_PORT
    return port or (SUBMISSION_PORT if authenticated else RELAY_PORT)


def _options(parts: SplitResult) -> dict[str, str]:
    found = {name: each[-1] for name, each in parse_qs(parts.query, keep_blank_values=True).items()}
    if not found.keys() <= {"starttls", "auth"}:
        raise RouteError(
            "NURTURE_SMTP_URL has an option that is not known.",
            remedy="Known are starttls and auth, as in ?starttls=required. "
            "If the password holds a ?, write it as %3F.",
        )
    return found


def _login(options: dict[str, str]) -> LoginMethod:
    try:
        return LoginMethod(options.get("auth", LoginMethod.PASSWORD))
    except ValueError:
        raise RouteError(
            "The option auth in NURTURE_SMTP_URL has a value that is not known.",
            remedy="Write auth=xoauth2, auth=oauthbearer or auth=password, or leave it out.",
        ) from None


def _starttls(
    parts: SplitResult, options: dict[str, str], host: str, *, authenticated: bool
) -> StartTls:
    chosen = _starttls_chosen(parts, options.get("starttls"))
    if chosen is not None:
        return chosen
    if parts.scheme == "smtps" or is_loopback(host):
        return StartTls.NEVER
    return StartTls.REQUIRED if authenticated else StartTls.WHEN_OFFERED


def _starttls_chosen(parts: SplitResult, wish: str | None) -> StartTls | None:
    if wish is None:
        return None
    if wish not in (StartTls.REQUIRED, StartTls.NEVER):
        raise RouteError(
            "The option starttls in NURTURE_SMTP_URL has a value that is not known.",
            remedy="Write starttls=required or starttls=never, or leave it out.",
        )
    if parts.scheme == "smtps" and wish == StartTls.REQUIRED:
        raise RouteError(
            "NURTURE_SMTP_URL asks for both smtps and STARTTLS.",
            remedy="smtps is encrypted from the start: leave starttls out.",
        )
    return StartTls(wish)
