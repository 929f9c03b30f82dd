"""The snippets an owner pastes into a website work unchanged, and lose nobody on the way."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from nurture.services.owner import sessions
from nurture.store.tables.signups import signups
from tests.installation import SIGNUP_TOKEN, Installation
from tests.presence import at_least_one
from tests.servers.clock import ClockFile
from tests.web.serving import served
from tests.web.studio import PASSWORD, PAUL, app_of, send, token_on

HARNESS = Path(__file__).with_name("wordpress.php")
FORM = "/studio/settings/website/pain-guide"
PAGE = "https://practice.example.org/guide?utm_source=letter&utm_medium=email&page=2"
FROM_THE_PAGE = {"nurture_page": PAGE, "nurture_time_zone": "Europe/Paris"}
VISITOR = {"REMOTE_ADDR": "192.0.2.7", "HTTP_USER_AGENT": "A browser"}
CF7 = {"plugin": "contact form 7", "form": 123}
POSTED = {"your-email": "ann@example.org", "your-name": "Ann O'Neill"} | FROM_THE_PAGE

php = pytest.mark.skipif(shutil.which("php") is None, reason="there is no PHP here")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def context(sqlite_url: str, tmp_path: Path, clock_file: ClockFile) -> Iterator[Installation]:
    """An installation with a URL that a website can reach."""
    published = Installation(sqlite_url, tmp_path, clock_file).publish_shipped()
    with served(published) as url:
        context = Installation(sqlite_url, tmp_path, clock_file, settings={"NURTURE_BASE_URL": url})
        yield context
        context.close()
    published.close()


@pytest.fixture
def snippets(context: Installation) -> dict[str, str]:
    """Return the snippets on a form's page, by heading, with the token included."""
    page = token_page(app_of(context).test_client(), context)
    found = re.findall(r'aria-label="([^"]+)"><code>(.*?)</code>', page, re.DOTALL)
    return {name: unescape(code) for name, code in found}


def token_page(browser: FlaskClient, context: Installation) -> str:
    link = sessions.make_link(context.context.database, PAUL, context.clock.now)
    send(browser, f"/studio/welcome/{link}", password=PASSWORD)
    shown = browser.post(f"{FORM}/token", data={"csrf_token": token_on(browser, FORM)})
    assert SIGNUP_TOKEN in shown.text
    return shown.text


@pytest.fixture
def wordpress(snippets: dict[str, str]) -> Run:
    """Post a form, as a visitor, on a WordPress site with the snippets."""
    plugins = {"contact form 7": "Contact Form 7", "gravity forms": "Gravity Forms"}

    def run(plugin: str, token: str = SIGNUP_TOKEN, **task: Any) -> Any:
        chosen = ["For wp-config.php", "The common part for WordPress"]
        chosen += [plugins.get(plugin, "Elementor")]
        given = {"post": {}, "server": VISITOR, "plugin": plugin} | task
        code = [snippets[name].replace(SIGNUP_TOKEN, token) for name in chosen]
        return subprocess.run(
            ["php", str(HARNESS)],
            input=json.dumps(given | {"snippets": code}),
            capture_output=True,
            text=True,
            timeout=30,
        )

    return run


def test_the_snippets_do_not_depend_on_wordpress_sending_an_email(snippets: dict[str, str]) -> None:
    assert "'wpcf7_before_send_mail'" in snippets["Contact Form 7"]
    assert not any("mail_sent" in code for code in at_least_one(snippets.values()))


@php
def test_every_snippet_is_valid_php(snippets: dict[str, str]) -> None:
    written_in_php = {
        name: code if code.startswith("<?php") else f"<?php\n{code}"
        for name, code in snippets.items()
        if "add_action" in code or "define(" in code or name == "signup.php"
    }
    for name, code in at_least_one(written_in_php.items()):
        linted = subprocess.run(["php", "-l"], input=code, capture_output=True, text=True)
        assert linted.returncode == 0, f"{name}: {linted.stdout}"


@php
def test_a_contact_form_7_signup_survives_a_failed_wordpress_email(
    wordpress: Run, context: Installation
) -> None:
    done = wordpress(**CF7, post=POSTED | {"consent": ["tracking"]})
    assert (done.stdout, done.stderr) == ("", "")
    person = context.person("ann@example.org")
    assert (person["first_name"], person["time_zone"]) == ("Ann", "Europe/Paris")
    assert context.awaited("ann@example.org") == {"tracking"}
    [signup] = context.rows(signups)
    assert signup["page_url"] == PAGE
    assert signup["utm"] == {"utm_source": "letter", "utm_medium": "email"}
    assert signup["client"] == "192.0.2.7"


@php
def test_a_browser_without_scripts_reports_the_page_by_its_referrer(
    wordpress: Run, context: Installation
) -> None:
    post = {"your-email": "ann@example.org", "your-name": "Ann", "consent": ""}
    done = wordpress(**CF7, post=post, server=VISITOR | {"HTTP_REFERER": PAGE})
    assert (done.stdout, done.stderr) == ("", "")
    [signup] = context.rows(signups)
    assert (signup["page_url"], signup["utm"]["utm_source"]) == (PAGE, "letter")


@php
def test_a_double_click_makes_one_signup(wordpress: Run, context: Installation) -> None:
    for _ in range(2):
        assert wordpress(**CF7, post=POSTED).stderr == ""
    wordpress(**CF7, post=POSTED | {"your-email": "bob@example.org"})
    assert len(context.rows(signups)) == 2


@php
def test_another_form_on_the_website_makes_no_signup(wordpress: Run, context: Installation) -> None:
    wordpress("contact form 7", form=124, post=POSTED)
    wordpress("elementor", form="Contact", fields={"email": {"value": "ann@example.org"}})
    assert context.rows(signups) == []


@php
@pytest.mark.parametrize("name", [{"1.3": "Ann", "1.6": "Example"}, {"1": "Ann Example"}])
def test_gravity_forms_sends_either_kind_of_name_field(
    wordpress: Run, context: Installation, name: dict[str, str]
) -> None:
    entry = {"status": "active", "2": "ann@example.org"} | name
    done = wordpress("gravity forms", form=1, entry=entry, post=FROM_THE_PAGE)
    assert (done.stdout, done.stderr) == ("", "")
    assert context.person("ann@example.org")["first_name"] == "Ann"


@php
def test_an_entry_gravity_forms_marks_as_spam_makes_no_signup(
    wordpress: Run, context: Installation
) -> None:
    entry = {"status": "spam", "2": "ann@example.org", "1.3": "Ann"}
    assert wordpress("gravity forms", form=1, entry=entry).stderr == ""
    assert context.rows(signups) == []


@php
def test_an_elementor_signup_includes_the_ticked_boxes(
    wordpress: Run, context: Installation
) -> None:
    values = {"email": "ann@example.org", "name": "Ann Example", "consent": "tracking"}
    fields = {name: {"id": name, "value": value} for name, value in values.items()}
    done = wordpress("elementor", form="Guide", fields=fields, post=FROM_THE_PAGE)
    assert (done.stdout, done.stderr) == ("", "")
    person = context.person("ann@example.org")
    assert (person["first_name"], person["time_zone"]) == ("Ann", "Europe/Paris")
    assert context.awaited("ann@example.org") == {"tracking"}


@php
def test_a_refused_call_is_written_to_the_websites_log(wordpress: Run) -> None:
    refused = wordpress(**CF7, token="another", post=POSTED)
    assert "nurture: a signup was refused: 401" in refused.stderr
    assert "ann@example.org" not in refused.stderr


@php
def test_a_call_that_fails_to_arrive_is_written_to_the_websites_log(
    wordpress: Run, snippets: dict[str, str], context: Installation
) -> None:
    name = "The common part for WordPress"
    snippets[name] = snippets[name].replace(
        context.settings["NURTURE_BASE_URL"], "http://127.0.0.1:1"
    )
    done = wordpress(**CF7, post=POSTED)
    assert "nurture: a signup did not arrive: " in done.stderr
    assert "ann@example.org" not in done.stderr


@php
def test_every_page_of_the_website_adds_the_time_zone_to_its_forms(wordpress: Run) -> None:
    footer = wordpress("wp_footer").stdout
    assert footer.startswith("<script>") and footer.endswith("</script>")
    assert "resolvedOptions().timeZone" in footer
