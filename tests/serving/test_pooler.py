"""The whole program behind a real PgBouncer that pools four connections by transaction."""

import http.cookiejar
import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from dotenv import dotenv_values

from tests.presence import at_least_one
from tests.servers.pooler import pgbouncer
from tests.servers.smtp import SmtpSink
from tests.serving.running import Running, environment, running, wait_until

PEOPLE, AT_ONCE = 300, 8
PASSWORD = "gently moving again"
PAGES = ("", "people", "emails", "sequences", "sequences/pain-guide", "segments", "settings")


@pytest.fixture(params=["", "ignore_startup_parameters = options"], ids=["refusing", "ignoring"])
def pooled_url(
    request: pytest.FixtureRequest, postgresql_url: str, tmp_path: Path
) -> Iterator[str]:
    """The URL of a database behind a pooler that refuses startup options."""
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET datestyle = 'SQL, DMY'".encode())
    with pgbouncer(postgresql_url, tmp_path, request.param) as url:
        yield url


@pytest.mark.hosts
def test_signups_emails_and_pages_work_behind_a_connection_pooler(
    pooled_url: str, tmp_path: Path, smtp_sink: SmtpSink
) -> None:
    settings = {"NURTURE_DATABASE_URL": pooled_url, "NURTURE_SIGNUPS_PER_CLIENT_HOUR": "10000"}
    with running(tmp_path, smtp_sink, **settings) as program, ThreadPoolExecutor(AT_ONCE) as many:
        numbers = range(PEOPLE)
        answers = list(many.map(lambda number: sign_up(program, number), numbers))
        assert Counter(answers) == {202: PEOPLE}
        assert wait_until(lambda: len(smtp_sink.mails) == PEOPLE, 60)
        pages = many.map(lambda link: visit(program, link), links(smtp_sink))
        assert Counter(pages) == {200: PEOPLE}
        browser = sign_in(program, tmp_path, settings)
        opened = many.map(lambda page: look(browser, f"{program.url}/studio/{page}"), PAGES * 8)
        assert Counter(opened) == {200: 8 * len(PAGES)}
        assert program.get("/readyz")[0] == 200
        assert program.get("/metrics")[0] == 200
    assert len({mail.recipients for mail in smtp_sink.mails}) == len(smtp_sink.mails) == PEOPLE
    logs = "".join(log.read_text() for log in (tmp_path / "logs").glob("*.log"))
    assert "Traceback" not in logs, logs[-3000:]


def sign_up(program: Running, number: int) -> int:
    """Sign up a person who consents to tracking."""
    token = dotenv_values(program.directory / "secrets.env")["NURTURE_SIGNUP_TOKEN"]
    body = {"email": f"p{number}@example.org", "name": "Ann", "consent": ["tracking"]}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return program.post("/webhooks/signup/pain-guide", json.dumps(body).encode(), headers)[0]


def links(sink: SmtpSink) -> list[str]:
    """Return the link to the guide's page in every email; nobody has confirmed a tick yet."""
    found = []
    for mail in at_least_one(sink.mails):
        html = mail.message.get_body(("html",))
        assert html is not None
        source = html.get_content()
        [link] = set(re.findall(r"/guide/[\w.~-]+", source))
        found.append(link)
    return found


def visit(program: Running, link: str) -> int:
    """View a page, and collect the guide from its page."""
    status, _ = program.get(link)
    return program.post(link, b"", {})[0] if "/guide/" in link and status == 200 else status


def sign_in(
    program: Running, directory: Path, settings: dict[str, str]
) -> urllib.request.OpenerDirector:
    """Return a browser with the owner signed in."""
    added = subprocess.run(
        [sys.executable, "-m", "nurture", "owner", "add", "paul@example.org"],
        env=environment(directory, **settings | {"NURTURE_PORT": program.url.rpartition(":")[2]}),
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
    )
    [link] = re.findall(r"http://\S+", added.stdout)
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browser = urllib.request.build_opener(cookies)
    with browser.open(link) as page:
        [csrf] = set(re.findall(r'name="csrf_token" value="(\w+)"', page.read().decode()))
    form = urllib.parse.urlencode({"csrf_token": csrf, "password": PASSWORD}).encode()
    browser.open(link, form).close()
    return browser


def look(browser: urllib.request.OpenerDirector, address: str) -> int:
    """Open a page of the studio."""
    with browser.open(address, timeout=30) as page:
        assert page.url.rstrip("/") == address.rstrip("/")
        return int(page.status)
