"""Without a mail server, no page claims that an email was sent, and all say the same."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from nurture.cli import main
from nurture.services.owner import sessions
from nurture.services.owner.checklist import Task, at_a_glance
from nurture.services.publishing.studio import history
from nurture.services.reports import dashboard
from nurture.store.tables.revisions import RevisionKind
from tests.installation import Installation
from tests.servers.clock import ClockFile
from tests.servers.redis import redis_server
from tests.serving.running import SERVE, environment
from tests.web.reading import words
from tests.web.studio import FACTS, GUIDE_EMAIL, PASSWORD, PAUL, PRACTICE, app_of, fields, send

FORM = "/studio/settings/website/pain-guide"


@pytest.fixture
def silent(sqlite_url: str, tmp_path: Path, clock_file: ClockFile) -> Iterator[Installation]:
    """An installation without a mail server."""
    context = Installation(sqlite_url, tmp_path, clock_file).publish_shipped()
    yield context
    context.close()


@pytest.fixture
def owner(silent: Installation) -> FlaskClient:
    browser = app_of(silent).test_client()
    link = sessions.make_link(silent.context.database, PAUL, silent.clock.now)
    send(browser, f"/studio/welcome/{link}", password=PASSWORD)
    return browser


def outbox_of(home: Installation) -> str:
    return str(home.context.outbox.absolute())


def test_the_first_page_asks_for_a_mail_server_and_names_the_outbox(
    silent: Installation, owner: FlaskClient
) -> None:
    silent.subscribe("alice@example.org", first_name="Alice")
    assert silent.deliver() == 1
    page = words(owner.get("/studio/").text)
    assert "1 thing needs you." in page
    assert "A mail server is still to be set" in page
    assert f"written to the folder {outbox_of(silent)}" in page
    assert "0 emails went out" in page
    assert "1 written to the outbox, not sent" in page
    assert "Nothing needs you" not in page


def test_an_email_in_the_outbox_does_not_count_as_sent(
    silent: Installation, owner: FlaskClient
) -> None:
    silent.subscribe("alice@example.org")
    silent.deliver()
    assert not dashboard.has_sent(silent.context.database)
    assert '<details class="card" id="first-steps" open>' in owner.get("/studio/").text
    assert "Wrote “" in owner.get("/studio/people/1").text
    assert "Sent “" not in owner.get("/studio/people/1").text


def test_a_test_email_is_reported_as_saved_in_the_outbox(
    silent: Installation, owner: FlaskClient
) -> None:
    owner.post(GUIDE_EMAIL, data=fields(owner, action="test"))
    told = owner.get("/studio/people").text
    assert "on its way" not in told
    assert "The test was written down and not sent. No mail server is set" in told
    assert outbox_of(silent) in told


def test_a_test_signup_does_not_send_the_owner_to_an_empty_inbox(
    silent: Installation, owner: FlaskClient
) -> None:
    assert send(owner, FORM, f"{FORM}/try").status_code == 303
    page = words(owner.get(FORM).text)
    assert "You are signed up with your own address. No mail server is set" in page
    assert "Check your inbox" not in page
    assert outbox_of(silent) in page


@pytest.mark.parametrize("page", ["people", "emails/", "sequences/", "settings/machinery"])
def test_every_studio_page_says_that_emails_reach_nobody(owner: FlaskClient, page: str) -> None:
    assert "emails reach nobody" in words(owner.get(f"/studio/{page}").text)


def test_no_outbox_warning_appears_with_a_mail_server(paul: FlaskClient) -> None:
    for page in ("", "people", "settings/website/pain-guide"):
        assert "reach nobody" not in paul.get(f"/studio/{page}").text


def nurture(home: Installation, *command: str) -> str:
    done = CliRunner(env=home.environment).invoke(main, list(command))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_check_and_status_ask_for_a_mail_server(silent: Installation) -> None:
    assert "to set: NURTURE_SMTP_URL" in nurture(silent, "check")
    assert f"written to the folder {outbox_of(silent)}" in nurture(silent, "status")
    assert json.loads(nurture(silent, "status", "--json"))["broker_trouble"] is None


def test_check_does_not_ask_for_details_entered_in_the_studio(
    silent: Installation, owner: FlaskClient
) -> None:
    assert "booking_url is empty" in nurture(silent, "check")
    assert send(owner, PRACTICE, **FACTS).status_code == 303
    assert len(history(silent.context.database, RevisionKind.PRACTICE, "practice")) == 2
    said = nurture(silent, "check")
    assert "booking_url is empty" not in said
    assert "privacy_url is empty" in said


def test_check_needs_no_database_and_creates_none(tmp_path: Path) -> None:
    done = CliRunner(env={"NURTURE_DATA_DIR": str(tmp_path / "var")}).invoke(main, ["check"])
    assert done.exit_code == 0
    assert "booking_url is empty" in done.stdout
    assert not (tmp_path / "var" / "nurture.db").exists()


def test_serve_starts_with_the_same_advice_as_check_and_the_first_page(
    silent: Installation, owner: FlaskClient
) -> None:
    send(owner, PRACTICE, **FACTS)
    known = environment(silent.directory / "var", **silent.environment | {"NURTURE_PORT": "0"})
    command = [sys.executable, *SERVE]
    with subprocess.Popen(command, env=known, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        process.terminate()
    assert "mails go to      nobody: they are written to" in said
    assert "NURTURE_SMTP_URL: until then, emails stay in the local outbox." in said
    assert "booking_url is empty" not in said
    assert "privacy_url is empty" in said


def test_the_first_steps_ask_for_a_mail_server(silent: Installation) -> None:
    from nurture.services.owner.checklist import ChecklistSubject

    published = silent.context.published
    assert published is not None
    premises = ChecklistSubject(
        silent.context.settings, published.practice, published.sequences, silent.context.library
    )
    finding = at_a_glance(premises)[Task.MAIL_SERVER]
    assert finding.fine is False
    assert "outbox" in finding.sentences[0]


def test_the_first_page_reports_immediately_that_redis_refuses_the_password(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    from redis import Redis

    with redis_server(tmp_path / "redis") as server:
        with Redis.from_url(server.redis_url) as whole:
            whole.config_set("requirepass", "right")
        url = server.redis_url.replace("unix://", "unix://:wrong@")
        home = Installation(
            sqlite_home.url,
            sqlite_home.directory,
            sqlite_home.clock,
            sqlite_home.smtp_url,
            {"NURTURE_REDIS_URL": url},
        )
        browser = app_of(home).test_client()
        link = sessions.make_link(home.context.database, PAUL, home.clock.now)
        send(browser, f"/studio/welcome/{link}", password=PASSWORD)
        page = words(browser.get("/studio/").text)
        home.close()
    assert "No email leaves, because Redis cannot be used" in page
    assert "Redis refuses the password" in page
    assert "1 thing needs you." in page
    assert "wrong@" not in page
