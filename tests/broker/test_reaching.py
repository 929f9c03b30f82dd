"""Redis over TLS is verified by default, and every fault is reported immediately."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from kombu import Connection
from kombu.exceptions import OperationalError
from redis import Redis

from nurture.broker.embedded import EmbeddedRedis, celery_url_of
from nurture.broker.trouble import find_trouble
from nurture.cli import main
from nurture.settings import SettingsError, load_settings
from tests.installation import Installation
from tests.installations import smtp_sink, sqlite_home
from tests.mail.certificates import SelfSigned, self_signed
from tests.servers.ports import free_port
from tests.servers.redis import redis_server
from tests.servers.tls import TlsDoor, tls_door

__all__ = ["smtp_sink", "sqlite_home"]

PASSWORD = "p@ss:w/rd#%"
QUOTED = quote(PASSWORD, safe="")


@pytest.fixture
def certificate(tmp_path: Path) -> SelfSigned:
    return self_signed(tmp_path, "localhost")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A separate server that asks for a password."""
    with redis_server(tmp_path / "redis") as server:
        with Redis.from_url(server.redis_url) as owner:
            owner.config_set("requirepass", PASSWORD)
        yield server


@pytest.fixture
def door(guarded: EmbeddedRedis, certificate: SelfSigned) -> Iterator[TlsDoor]:
    """That server over TLS, with a certificate from an unknown authority."""
    with tls_door(guarded.socket_path, certificate.context) as opened:
        yield opened


def celery_reaches(url: str) -> bool:
    """Return whether Celery's library reaches a server that answers it."""
    options = {"socket_timeout": 2, "socket_connect_timeout": 2}
    with Connection(celery_url_of(url, Path("/nowhere")), transport_options=options) as broker:
        try:
            broker.ensure_connection(max_retries=1, timeout=3)
            broker.SimpleQueue("tried").put("a")
        except OperationalError:
            return False
    return True


def address(door: TlsDoor, host: str = "localhost", more: str = "") -> str:
    return f"rediss://:{QUOTED}@{host}:{door.port}/0{more}"


def test_an_untrusted_certificate_is_refused_before_the_password_is_sent(
    door: TlsDoor,
) -> None:
    assert not celery_reaches(address(door))
    trouble = find_trouble(address(door)) or ""
    assert "certificate" in trouble and "ssl_ca_certs=" in trouble
    assert PASSWORD not in trouble and QUOTED not in trouble
    assert bytes(door.heard) == b""


def test_a_certificate_from_a_named_authority_is_accepted(
    door: TlsDoor, certificate: SelfSigned
) -> None:
    url = address(door, more=f"?ssl_ca_certs={certificate.path}")
    assert celery_reaches(url)
    assert find_trouble(url) is None


def test_a_certificate_for_another_name_is_refused(door: TlsDoor, certificate: SelfSigned) -> None:
    url = address(door, host="127.0.0.1", more=f"?ssl_ca_certs={certificate.path}")
    assert not celery_reaches(url)
    assert "certificate" in (find_trouble(url) or "")
    assert bytes(door.heard) == b""


@pytest.mark.parametrize("written", ["none", "CERT_NONE"])
def test_verification_is_disabled_only_on_request(door: TlsDoor, written: str) -> None:
    url = address(door, more=f"?ssl_cert_reqs={written}")
    assert celery_reaches(url)
    assert find_trouble(url) is None


@pytest.mark.parametrize(
    ("url", "spelled"),
    [
        ("redis://h:6379/1", "redis://h:6379/1"),
        ("rediss://h:6379/1", "rediss://h:6379/1?ssl_cert_reqs=required&ssl_check_hostname=true"),
        (
            "redis://h/0?ssl_ca_certs=/a.pem",
            "rediss://h/0?ssl_ca_certs=%2Fa.pem&ssl_cert_reqs=required&ssl_check_hostname=true",
        ),
        ("rediss://h/0?ssl_cert_reqs=none", "rediss://h/0?ssl_cert_reqs=none"),
        ("unix:///a/b.sock?db=2", "redis+socket:///a/b.sock?virtual_host=2"),
    ],
)
def test_celery_is_configured_to_verify_certificates(url: str, spelled: str) -> None:
    assert celery_url_of(url, Path("/nowhere")) == spelled


@pytest.mark.parametrize(
    "url",
    [
        "redis://:pa#ss@localhost:6379/0",
        "redis://:pa/ss@localhost:6379/0",
        "redis://localhost:port/0",
        "redis://localhost/first",
        "rediss://localhost/0?ssl_cert_reqs=no",
        "sentinel://localhost:26379/0",
        "localhost:6379",
    ],
)
def test_an_unreadable_redis_url_is_refused_at_startup(url: str) -> None:
    with pytest.raises(SettingsError, match="NURTURE_REDIS_URL: write ") as refused:
        load_settings({"NURTURE_REDIS_URL": url, "NURTURE_SECRET_KEY": "x" * 20})
    assert "pa#ss" not in str(refused.value) and "pa/ss" not in str(refused.value)


def wrong(guarded: EmbeddedRedis, how: str) -> str:
    """The URL of a server with some fault."""
    path = quote(str(guarded.socket_path))
    with Redis.from_url(guarded.redis_url, password=PASSWORD) as owner:
        if how == "no room":
            owner.config_set("maxmemory", "1")
        elif how == "reads only":
            owner.execute_command("REPLICAOF", "127.0.0.1", "1")
        elif how == "no rights":
            owner.execute_command("ACL", "SETUSER", "reader", "on", ">x", "~*", "+@read", "+ping")
    if how == "no rights":
        return f"unix://reader:x@{path}?db=0"
    said = {"wrong password": "other", "no password": ""}.get(how, QUOTED)
    return f"unix://:{said}@{path}?db=0" if said else f"unix://{path}?db=0"


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("wrong password", "refuses the password"),
        ("no password", "refuses the password"),
        ("no room", "no memory left"),
        ("reads only", "takes no writes"),
        ("no rights", "does not let this user write"),
        ("", ""),
    ],
)
def test_each_redis_problem_is_reported_with_its_remedy_and_no_secret(
    guarded: EmbeddedRedis, how: str, says: str
) -> None:
    trouble = find_trouble(wrong(guarded, how)) or ""
    assert says in trouble
    assert bool(trouble) is bool(how)
    assert PASSWORD not in trouble and "other" not in trouble.split()


def test_the_web_side_is_not_ready_while_redis_refuses_the_password(
    sqlite_home: Installation, guarded: EmbeddedRedis
) -> None:
    from webhooks import create_app

    path = quote(str(guarded.socket_path))
    for password, status in (("other", 503), (QUOTED, 200)):
        context = sqlite_home.another(NURTURE_REDIS_URL=f"unix://:{password}@{path}?db=0")
        answer = create_app(context).test_client().get("/readyz")
        context.database.close()
        assert answer.status_code == status
    assert answer.text == "ready\n"


def test_the_status_reports_an_unreachable_redis(sqlite_home: Installation) -> None:
    more = {"NURTURE_REDIS_URL": f"redis://:secret@127.0.0.1:{free_port()}/0"}
    run = CliRunner(env=sqlite_home.environment | more).invoke
    said = run(main, ["status"]).stdout
    assert "NO EMAIL IS SENT: Redis cannot be reached at 127.0.0.1:" in said
    assert "secret" not in said
    told = run(main, ["status", "--json"]).stdout
    assert "cannot be reached" in json.loads(told)["broker_trouble"]


@contextmanager
def _with_tls(directory: Path, certificate: SelfSigned) -> Iterator[int]:
    """Start a redis-server that accepts only TLS."""
    port = free_port()
    given = {
        "port": "0",
        "tls-port": str(port),
        "tls-cert-file": str(certificate.path),
        "tls-key-file": str(certificate.path.with_name("key.pem")),
        "tls-auth-clients": "no",
        "requirepass": PASSWORD,
        "dir": str(directory),
        "save": "",
    }
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    process = subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)
    try:
        time.sleep(1)
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.mark.hosts
def test_the_certificate_of_a_real_redis_server_is_verified(
    tmp_path: Path, certificate: SelfSigned
) -> None:
    assert shutil.which("redis-server")
    with _with_tls(tmp_path, certificate) as port:
        door = TlsDoor(port)
        known = f"?ssl_ca_certs={certificate.path}"
        assert not celery_reaches(address(door))
        assert not celery_reaches(address(door, "127.0.0.1", known))
        assert celery_reaches(address(door, more=known))
        assert celery_reaches(address(door, more="?ssl_cert_reqs=none"))
        assert "Nobody vouches" in (find_trouble(address(door)) or "")
        assert find_trouble(address(door, more=known)) is None
        plainly = find_trouble(f"redis://:{QUOTED}@localhost:{port}/0") or ""
        assert "rediss://" in plainly
