"""What a client sends to log in with an access token: SASL XOAUTH2 and OAUTHBEARER (RFC 7628).

The same bytes serve SMTP and IMAP; each protocol encodes them in Base64.
"""

from collections.abc import Collection

from nurture.mail.login import LoginMethod

#: The answer to the challenge that explains a refusal; the server then refuses for good. Google
#: documents an empty one for XOAUTH2, RFC 7628 §3.2.3 has a single separator for OAUTHBEARER.
ACKNOWLEDGEMENT = {LoginMethod.XOAUTH2: b"", LoginMethod.OAUTHBEARER: b"\x01"}


def choose(wanted: LoginMethod, offered: Collection[str]) -> LoginMethod | None:
    """Return the mechanism to use of those that a server offers; `None` if it offers neither.

    The wanted one comes first; otherwise the other one serves as well.
    """
    names = {name.casefold() for name in offered}
    by_wish = sorted(ACKNOWLEDGEMENT, key=lambda method: method is not wanted)
    return next((method for method in by_wish if method.value in names), None)


def initial_response(method: LoginMethod, user: str, token: str, host: str, port: int) -> bytes:
    """Return the first thing a client sends, before it is encoded in Base64."""
    bearer = f"auth=Bearer {token}\x01\x01"
    if method is LoginMethod.XOAUTH2:
        return f"user={user}\x01{bearer}".encode()
    name = user.replace("=", "=3D").replace(",", "=2C")  # RFC 5801 §4
    return f"n,a={name},\x01host={host}\x01port={port}\x01{bearer}".encode()
