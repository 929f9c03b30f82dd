"""A real mail server that is logged in to with access tokens: AUTH XOAUTH2 and OAUTHBEARER."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable, Iterable
from urllib.parse import quote

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.servers.smtp import HOST, SmtpSink

REFUSED = "535 5.7.8 Username and Password not accepted"


class TokenSink(SmtpSink):
    """A mail server that takes mail only after a login as `user` with a token that is `valid`.

    `offers` are the mechanisms that it announces. A refused login is explained in a challenge, and
    refused for good once that is answered. `logins` are the mechanisms of accepted logins,
    `acknowledged` what clients answered the challenges with.
    """

    def __init__(
        self,
        user: str,
        valid: Callable[[str], bool],
        offers: Iterable[str] = ("XOAUTH2", "OAUTHBEARER"),
    ) -> None:
        super().__init__()
        self.user, self.valid = user, valid
        self.refusal = REFUSED
        self.logins: list[str] = []
        self.tries = 0
        self.acknowledged: list[bytes] = []
        self._offers = set(offers)

    @property
    def token_url(self) -> str:
        """The URL for NURTURE_SMTP_URL, with the login by token."""
        return f"smtp://{quote(self.user)}@{HOST}:{self.port}?auth=xoauth2"

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        """Check a login as Google and Microsoft document it."""
        user, token = "", ""
        for part in b64decode(args[1]).decode().split("\x01"):
            name, _, value = part.partition("=")
            user = value if name == "user" else user
            token = value.removeprefix("Bearer ") if name == "auth" else token
        return await self._judge(server, args, user, token)

    async def auth_OAUTHBEARER(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        """Check a login as RFC 7628 defines it."""
        header, *pairs = b64decode(args[1]).decode().split("\x01")
        flag, name, rest = header.split(",")
        said = dict(pair.partition("=")[::2] for pair in pairs if pair)
        assert (flag, rest, said["host"], said["port"]) == ("n", "", "127.0.0.1", str(self.port))
        user = name.removeprefix("a=").replace("=2C", ",").replace("=3D", "=")
        return await self._judge(server, args, user, said["auth"].removeprefix("Bearer "))

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a sender after a login."""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        return await super().handle_MAIL(server, session, envelope, address, options)

    async def _judge(self, server: SMTP, args: list[str], user: str, token: str) -> AuthResult:
        self.tries += 1
        if user == self.user and self.valid(token):
            self.logins.append(args[0])
            return AuthResult(success=True, auth_data=user)
        answer = await server.challenge_auth(json.dumps({"status": "401", "schemes": "bearer"}))
        self.acknowledged.append(answer if isinstance(answer, bytes) else b"*")
        return AuthResult(success=False, handled=False, message=self.refusal)

    def _conversation(self) -> asyncio.Protocol:
        unoffered = {"LOGIN", "PLAIN", "XOAUTH2", "OAUTHBEARER"} - self._offers
        return SMTP(
            self,
            hostname="sink.example.org",
            enable_SMTPUTF8=True,
            loop=self._loop,
            auth_require_tls=False,
            auth_exclude_mechanism=unoffered,
        )
