"""Which server email is sent through and how it is signed, according to the settings."""

from collections.abc import Callable
from pathlib import Path

from nurture.domain.errors import NurtureError
from nurture.mail.dkim import Signer
from nurture.mail.login import RenewableTokens
from nurture.mail.mailer import Mailer
from nurture.mail.outbox.folder import Outbox
from nurture.mail.providers import Provider, relay_at, relays
from nurture.mail.smtp.route import SmtpRoute
from nurture.mail.smtp.sending import SmtpMailer
from nurture.settings import Settings, SettingsError

#: Less than the lease of a message being offered, so that the reply comes before it expires.
_SMTP_SECONDS = 30.0

#: Takes the place of a mail server about which nothing needs to be known.
NO_PROVIDER = "none"


def relay_of(settings: Settings) -> Provider | None:
    """Return the mail provider, as set or by its server; `None` if neither names one.

    Raise `SettingsError` if the one that is set is unknown.
    """
    named = settings.mail_provider
    if not named:
        return relay_at(settings.smtp_host)
    if named != NO_PROVIDER and named not in relays():
        *names, last = sorted((*relays(), NO_PROVIDER))
        raise SettingsError(f"NURTURE_MAIL_PROVIDER: write {', '.join(names)} or {last}.")
    return relays().get(named)


def make_mailer(settings: Settings, outbox: Path, tokens: RenewableTokens) -> Mailer:
    """Return a mailer for the configured mail server, or else the local outbox.

    `tokens` are asked only if the server is logged in to with access tokens.
    """
    if not settings.smtp_url:
        return Outbox(outbox)
    route = SmtpRoute.from_url(settings.smtp_url)
    return SmtpMailer(
        route, connections=settings.smtp_connections, timeout=_SMTP_SECONDS, tokens=tokens
    )


def make_sign(settings: Settings, domain: str, relay: Provider | None) -> Callable[[bytes], bytes]:
    """Return a DKIM signer, or a function that signs nothing if no key is configured.

    Headers that the relay rewrites are not signed.
    """
    if not settings.dkim_key_file or not settings.dkim_selector:
        return _unsigned
    try:
        key = settings.dkim_key_file.read_bytes()
    except OSError as error:
        raise NurtureError(
            f"NURTURE_DKIM_KEY_FILE cannot be read: {error.strerror}.",
            remedy="Name a private key in PEM form.",
        ) from None
    rewrites = relay.rewrites if relay else ()
    return Signer.load(settings.dkim_selector, key, domain, rewrites).sign


def _unsigned(message: bytes) -> bytes:
    return b""
