"""Logging in to a mail server with an access token: AUTH XOAUTH2 and OAUTHBEARER (RFC 4954)."""

import re
import smtplib
from base64 import b64encode

from nurture.mail.login import LoginMethod
from nurture.mail.oauth.sasl import ACKNOWLEDGEMENT, choose, initial_response
from nurture.mail.smtp.route import SmtpRoute

#: A server explains its refusal in one challenge; one that goes on asking wants something else.
_MOST_CHALLENGES = 3

#: The replies that accept a login, that ask for more, and that refuse what was shown.
LOGGED_IN, CHALLENGE, CREDENTIALS_REFUSED = 235, 334, 535

#: Some servers quote the command they refuse; what is shown must not hold the token.
_LIKE_A_TOKEN = re.compile(rb"[\w+/=.~-]{40,}")


def log_in(client: smtplib.SMTP, route: SmtpRoute, token: str) -> None:
    """Log in, with the mechanism of the two that the server offers.

    Raise `smtplib.SMTPAuthenticationError` with the server's final reply, or
    `smtplib.SMTPNotSupportedError` if it offers neither.
    """
    method = choose(route.login, client.esmtp_features.get("auth", "").split())
    if method is None:
        raise smtplib.SMTPNotSupportedError
    first = initial_response(method, route.user or "", token, route.host, route.port)
    code, said = client.docmd("AUTH", f"{method.upper()} {b64encode(first).decode()}")
    for _ in range(_MOST_CHALLENGES):
        if code != CHALLENGE:
            break
        code, said = _acknowledge(client, method)
    if code != LOGGED_IN:
        raise smtplib.SMTPAuthenticationError(code, _LIKE_A_TOKEN.sub(b"(...)", said))


def _acknowledge(client: smtplib.SMTP, method: LoginMethod) -> tuple[int, bytes]:
    """Answer a challenge, which only explains why the token is refused, to hear the refusal."""
    return client.docmd(b64encode(ACKNOWLEDGEMENT[method]).decode())
