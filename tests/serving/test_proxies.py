"""The web servers from the documentation, with exactly the configuration it gives."""

import re
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nurture.store.tables.consents import consents
from tests.installation import Installation
from tests.mail.certificates import self_signed
from tests.servers.ports import free_port
from tests.serving.front import fronted
from webhooks import create_app

_PAGE = Path(__file__).parents[2] / "docs/behind-a-proxy.md"
_NAME = "mail.example.org"


def _written(kind: str) -> str:
    """Return the page's configuration for one web server."""
    found = re.search(rf"```{kind}\n(.*?)```", _PAGE.read_text(), re.DOTALL)
    assert found
    return found[1]


@contextmanager
def _nginx(directory: Path, upstream: int) -> Iterator[str]:
    certificate = self_signed(directory, _NAME, "127.0.0.1")
    http, https = free_port(), free_port()
    given = _written("nginx").replace("listen 80;", f"listen 127.0.0.1:{http};")
    given = given.replace("listen 443 ", f"listen 127.0.0.1:{https} ").replace(
        "127.0.0.1:8000", f"127.0.0.1:{upstream}"
    )
    live = f"/etc/letsencrypt/live/{_NAME}"
    given = given.replace(f"{live}/fullchain.pem", str(certificate.path))
    given = given.replace(f"{live}/privkey.pem", str(directory / "key.pem"))
    whole = directory / "nginx.conf"
    temporary = "".join(
        f"{kind}_temp_path {directory}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole.write_text(
        f"user root; daemon off; pid {directory}/pid; error_log {directory}/error.log;"
        f"events {{}} http {{ {temporary} {given} }}"
    )
    with _running(["nginx", "-c", str(whole), "-p", str(directory)]):
        yield f"https://127.0.0.1:{https}"


@contextmanager
def _caddy(directory: Path, upstream: int) -> Iterator[str]:
    # Its own certificate would take an authority that tests have none of.
    port = free_port()
    given = _written("caddy").replace(f"{_NAME} {{", f"http://127.0.0.1:{port} {{")
    given = given.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    whole = directory / "Caddyfile"
    whole.write_text("{\n\tadmin off\n}\n" + given)
    with _running(["caddy", "run", "--config", str(whole), "--adapter", "caddyfile"]):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


@pytest.mark.hosts
@pytest.mark.parametrize("proxy", [_nginx, _caddy], ids=["nginx", "caddy"])
def test_visitors_are_identified_and_files_pass_behind_a_proxy(
    proxy: object, sqlite_home: Installation, tmp_path: Path
) -> None:
    assert callable(proxy)
    home = sqlite_home
    home.subscribe("ann@example.org")
    behind = home.another(NURTURE_TRUSTED_PROXIES="1", NURTURE_BASE_URL=f"https://{_NAME}")
    with fronted(create_app(behind), proxied=True) as (port, _), proxy(tmp_path, port) as url:
        assert _ask(f"{url}/healthz", patience=10) == (200, b"ok\n")
        token = home.context.tokens.unsubscribe(1, 1)
        forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example"}
        status, _ = _ask(f"{url}/unsubscribe/{token}", b"List-Unsubscribe=One-Click", forged)
        assert status == 200
        proof = home.rows(consents)[-1]
        assert proof["client"] == "127.0.0.1"
        assert proof["page_url"] == f"https://{_NAME}/unsubscribe"
        # Too much for nginx as Debian ships it, and refused by us for want of a session.
        status, said = _ask(f"{url}/studio/settings/guides/pain-guide", b"x" * 20_000_000)
        assert (status, b"not signed in" in said) == (403, True)
        assert _ask(f"{url}/metrics")[0] == 404


def _ask(
    url: str, body: bytes | None = None, headers: dict[str, str] | None = None, patience: float = 0
) -> tuple[int, bytes]:
    """Return the answer, waiting for a server that is still starting."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting)
    )
    until = time.monotonic() + patience
    while True:
        try:
            with opener.open(urllib.request.Request(url, body, headers or {}), timeout=20) as got:
                return got.status, got.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
