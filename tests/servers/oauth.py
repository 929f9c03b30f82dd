"""A real login service on loopback: token, device and authorisation endpoints, as documented.

It can revoke, expire, replace refresh tokens, be slow, be out of order and talk nonsense.
"""

import contextlib
import hashlib
import json
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"

#: Answers that are no tokens: a status, and what is sent with it.
OUT_OF_ORDER = (503, b"<html>Service unavailable</html>")
GARBAGE = (200, b"\x00\xff this is no JSON")
A_LIST = (200, b"[1, 2, 3]")
NESTED = (200, b"[" * 60_000)
ENDLESS = (200, b"x" * 200_000)
NO_TOKEN = (200, b'{"token_type": "Bearer", "expires_in": 3600}')
INJECTED = (200, b'{"access_token": "a\\u0001b\\r\\nQUIT", "token_type": "Bearer"}')
OTHER_TYPE = (200, b'{"access_token": "abc", "token_type": "mac"}')
REDIRECT = (302, b"{}")


@dataclass
class OAuthServer:
    """A login service for one account; what it does may be changed at any time.

    `lifetime` is an access token's, in seconds. With `replaces`, each refresh replaces the refresh
    token; with `strict`, the old one is worthless from then on. `answers` replaces the token
    endpoint's answer, `delay` comes before it. `pending` is how often a device is told to wait, and
    `slow_down` how often to ask less often.
    """

    client_id: str = "client-1"
    client_secret: str = ""
    scope: str = "https://mail.google.com/"
    lifetime: int = 3600
    replaces: bool = False
    strict: bool = False
    answers: tuple[int, bytes] | None = None
    delay: float = 0.0
    drips: bool = False
    pending: int = 0
    slow_down: int = 0
    refuses: str = ""
    reissues: bool = False
    calls: Counter[str] = field(default_factory=Counter)
    asked: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._refresh: set[str] = set()
        self._access: dict[str, float] = {}
        self._codes: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> "OAuthServer":
        """Listen on a free port."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _visit_of(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the listener."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The address before the endpoints' paths."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def settings(self) -> dict[str, str]:
        """The settings that lead a program here."""
        return {
            "NURTURE_OAUTH_CLIENT_ID": self.client_id,
            "NURTURE_OAUTH_TOKEN_URL": f"{self.url}/token",
            "NURTURE_OAUTH_AUTHORIZE_URL": f"{self.url}/authorize",
        }

    @property
    def device_settings(self) -> dict[str, str]:
        """The same, with codes for devices."""
        return self.settings | {"NURTURE_OAUTH_DEVICE_URL": f"{self.url}/device"}

    def accepts(self, token: str) -> bool:
        """Return whether an access token is valid now, as a mail server asks."""
        with self._lock:
            return self._access.get(token, 0.0) > time.monotonic()

    def revoke(self) -> None:
        """Take the permission away: no token works any more."""
        with self._lock:
            self._refresh.clear()
            self._access.clear()

    def withdraw_access(self) -> None:
        """End all access tokens before their time; refresh tokens still work."""
        with self._lock:
            self._access.clear()

    def issue(self) -> dict[str, object]:
        """Return a first pair of tokens."""
        with self._lock:
            refresh = secrets.token_urlsafe(24)
            self._refresh.add(refresh)
            return self._access_document() | {"refresh_token": refresh}

    def _access_document(self) -> dict[str, object]:
        fresh = next((t for t, until in self._access.items() if until > time.monotonic()), "")
        access = fresh if self.reissues and fresh else secrets.token_urlsafe(24)
        self._access[access] = time.monotonic() + self.lifetime
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "scope": self.scope,
        }

    def authorize(self, asked: dict[str, str]) -> str | None:
        """Return where to send the browser once the owner agreed; `None` if the page refuses."""
        known = asked.get("client_id") == self.client_id
        whole = {"redirect_uri", "state", "scope", "code_challenge"} <= asked.keys()
        if not known or not whole or asked.get("code_challenge_method") != "S256":
            return None
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        answer = {"error": self.refuses} if self.refuses else {"code": code}
        return f"{asked['redirect_uri']}?{urlencode(answer | {'state': asked['state']})}"

    def device(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        """Return a code for a device."""
        if form.get("client_id") != self.client_id:
            return 401, {"error": "invalid_client"}
        code = secrets.token_urlsafe(16)
        self._codes[code] = form
        return 200, {
            "device_code": code,
            "user_code": "WDJB-MJHT",
            "verification_uri": f"{self.url}/activate",
            "expires_in": 600,
            "interval": 0.05,
        }

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        """Return tokens or an error document."""
        kind = form.get("grant_type", "")
        self.calls[kind] += 1
        self.asked.append(form)
        if form.get("client_id") != self.client_id:
            return 401, {"error": "invalid_client", "error_description": "AADSTS700016: no app"}
        if self.client_secret and form.get("client_secret") != self.client_secret:
            return 401, {"error": "invalid_client"}
        by_kind = {
            "refresh_token": self._refreshed,
            "authorization_code": self._exchanged,
            DEVICE: self._polled,
        }
        if kind not in by_kind:
            return 400, {"error": "unsupported_grant_type"}
        return by_kind[kind](form)

    def _refreshed(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        with self._lock:
            used = form.get("refresh_token", "")
            if used not in self._refresh:
                said = f"AADSTS700082: The refresh token {used} has expired."
                return 400, {"error": "invalid_grant", "error_description": said}
            document = self._access_document()
            if self.replaces:
                replaced = secrets.token_urlsafe(24)
                self._refresh.add(replaced)
                document["refresh_token"] = replaced
            if self.strict:
                self._refresh.discard(used)
            return 200, document

    def _exchanged(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        asked = self._codes.pop(form.get("code", ""), None)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        right = urlsafe_b64encode(challenge).decode().rstrip("=")
        if asked is None or asked["code_challenge"] != right:
            return 400, {"error": "invalid_grant"}
        if asked["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        return 200, self.issue()

    def _polled(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        if form.get("device_code") not in self._codes:
            return 400, {"error": "expired_token"}
        if self.slow_down:
            self.slow_down -= 1
            return 400, {"error": "slow_down"}
        if self.pending:
            self.pending -= 1
            return 400, {"error": "authorization_pending"}
        if self.refuses:
            return 400, {"error": self.refuses}
        return 200, self.issue()


def _visit_of(service: OAuthServer) -> type[BaseHTTPRequestHandler]:
    class Visit(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            form = dict(parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
            path = urlsplit(self.path).path
            if path == "/token":
                time.sleep(service.delay)
                status, document = service.token(form)
                if service.answers:
                    return self._say(*service.answers)
                return self._say(status, json.dumps(document).encode())
            if path == "/device":
                status, document = service.device(form)
                return self._say(status, json.dumps(document).encode())
            self._say(404, b"{}")

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            to = service.authorize(dict(parse_qsl(parts.query))) if "auth" in parts.path else None
            self.send_response(302 if to else 400)
            if to:
                self.send_header("Location", to)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _say(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Location", f"{service.url}/token")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            pieces = (
                [content[n : n + 1] for n in range(len(content))] if service.drips else [content]
            )
            for piece in pieces:
                self.wfile.write(piece)
                time.sleep(0.2 if service.drips else 0.0)

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with contextlib.suppress(OSError):
                super().handle()

    return Visit
