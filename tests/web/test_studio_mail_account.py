"""The page about the mail account: what Paul reads there, and what he can do."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from nurture.domain.messages.refusal import Cause
from nurture.services.account import grant, hold
from nurture.services.account.grant import GrantState
from nurture.services.inbound.mailbox import key_of
from nurture.services.owner import sessions
from nurture.store.tables import account_limits, mailboxes
from nurture.store.tables.account_limits import AccountRow
from tests.installation import Installation
from tests.servers.clock import ClockFile
from tests.servers.oauth import OAuthServer
from tests.servers.smtp import SmtpSink
from tests.vocabulary import crowd
from tests.web.reading import words
from tests.web.studio import PASSWORD, PAUL, app_of, send, token_on

PAGE, CONNECTED = "/studio/settings/mail", "/studio/account/mail/connected"
EMPTY = {"preset": "", "minute": "", "hour": "", "day": "", "connections": ""}


def page(browser: FlaskClient) -> str:
    """Return what the page says."""
    return words(browser.get(PAGE).text)


def row(home: Installation) -> AccountRow:
    """Return what is stored about the account."""
    with home.context.database.reading() as connection:
        return account_limits.find_account(connection)


def again(home: Installation, **settings: str) -> FlaskClient:
    """Restart the program with further settings; return Paul's browser, signed in."""
    home.close()
    home.__dict__.pop("context", None)
    home.settings = dict(home.settings) | settings
    browser = app_of(home).test_client()
    link = sessions.make_link(home.context.database, PAUL, home.clock.now)
    assert send(browser, f"/studio/welcome/{link}", password=PASSWORD).status_code == 303
    return browser


def hold_for(home: Installation, cause: Cause, reason: str) -> None:
    """Let the account be refused."""
    with home.context.database.writing() as connection:
        hold.hold(connection, cause, reason, home.clock.now)


def test_the_page_is_among_the_settings_and_opening_it_changes_nothing(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    assert f'href="{PAGE}"' in paul.get("/studio/settings").text
    paul.get(PAGE)
    before = sqlite_home.everything()
    assert "No email waits for your account." in page(paul)
    assert "Nothing has been sent in this time." in page(paul)
    paul.get(f"{CONNECTED}?code=abc&state=def")
    paul.get(f"{CONNECTED}?error=access_denied&state=def")
    assert sqlite_home.everything() == before


def test_what_the_provider_allows_is_saved_and_said_with_what_follows(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    crowd(sqlite_home, 3)
    said = EMPTY | {"preset": "google-workspace"}
    assert send(paul, PAGE, **said).status_code == 303
    shown = page(paul)
    assert "From now on at most 1,500 in 24 hours. 3 have been used." in shown
    assert "3 of 1,500" in shown
    assert "At present: at most 1,500 in 24 hours ." in shown
    assert "Google allows 2,000 emails in 24 hours." in shown
    assert "0 of 3 (0.0 %)" in shown
    assert "0 of 3 (0.00 %)" in shown
    send(paul, PAGE, **said)
    assert "Nothing was different" in page(paul)
    send(paul, PAGE, **said | {"day": "none"})
    assert "From now on there is no limit. 3 have been used." in page(paul)


@pytest.mark.parametrize("field", ["minute", "hour", "day", "connections"])
def test_a_wrong_number_is_reported_beside_its_field_and_what_was_typed_is_kept(
    paul: FlaskClient, sqlite_home: Installation, field: str
) -> None:
    typed = EMPTY | {"preset": "gmail", field: "a <few>"}
    answer = send(paul, PAGE, **typed)
    assert answer.status_code == 422
    after = answer.text.partition(f'id="{field}-error">')[2]
    assert "whole number from 1" in after.partition("</p>")[0]
    assert 'value="a &lt;few&gt;"' in answer.text
    assert re.search(r'value="gmail" checked', answer.text)
    assert "Nothing has been saved yet" in answer.text
    assert row(sqlite_home) == AccountRow()


def test_what_the_environment_fixes_is_shown_with_its_setting_and_cannot_be_typed(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    browser = again(sqlite_home, NURTURE_ACCOUNT="cpanel", NURTURE_LIMIT_DAY="1200")
    text = browser.get(PAGE).text
    assert "1,200 Fixed by NURTURE_LIMIT_DAY ." in words(text)
    assert "Fixed by NURTURE_ACCOUNT where the program runs." in words(text)
    assert 'name="day"' not in text
    assert 'name="preset"' not in text
    assert 'name="hour"' in text
    assert send(browser, PAGE, preset="gmail", day="5", hour="90").status_code == 303
    own = row(sqlite_home).own
    assert (own.preset, own.day, own.hour) == (None, None, 90)


def test_the_kind_of_account_is_suggested_by_the_mail_servers_name(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    assert "looks like" not in page(paul)
    url = "smtp://paul%40practice.example:secret-word@smtp.office365.com:587"
    browser = again(sqlite_home, NURTURE_SMTP_URL=url)
    shown = page(browser)
    assert "Your mail server looks like Microsoft 365" in shown
    assert "secret-word" not in browser.get(PAGE).text
    send(browser, PAGE, **EMPTY | {"preset": "microsoft-365"})
    assert "looks like" not in page(browser)


def test_what_waits_is_said_with_the_moment_and_the_reason(
    paul: FlaskClient, sqlite_home: Installation, smtp_sink: SmtpSink
) -> None:
    send(paul, PAGE, **EMPTY | {"day": "20"})
    crowd(sqlite_home, 31)
    shown = page(paul)
    assert "11 emails wait. The next leaves tomorrow at 09:00" in shown
    assert "because today’s 20 emails are used up." in shown
    assert "More emails wait than leave in a day" in shown
    today = paul.get("/studio/").text
    assert "More emails wait than leave in a day" in today
    assert f'href="{PAGE}"' in today


def test_a_held_account_is_explained_and_can_be_tried_now(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    hold_for(sqlite_home, Cause.LOGIN, "535 5.7.8 <b>Bad</b> credentials")
    shown = page(paul)
    assert "Your mail server does not accept the login Urgent" in shown
    assert "“535 5.7.8 <b>Bad</b> credentials”" in unescape(shown)
    assert "<b>Bad" not in paul.get(PAGE).text
    assert f'href="{PAGE}"' in paul.get("/studio/").text
    answer = send(paul, PAGE, "/studio/account-held", **{"from": "mail"})
    assert answer.headers["Location"].endswith(PAGE)
    assert "Trying again now." in page(paul)
    assert send(paul, PAGE, "/studio/account-held").headers["Location"].endswith("/studio/")


def test_a_test_email_says_what_the_mail_server_answered(
    paul: FlaskClient, smtp_sink: SmtpSink
) -> None:
    assert send(paul, PAGE, f"{PAGE}/test").status_code == 303
    assert f"taken the test. It answered 250. Look in the inbox of {PAUL}." in page(paul)
    assert len(smtp_sink.mails_to(PAUL)) == 1
    smtp_sink.answers["DATA"] = "554 5.7.1 This looks like spam"
    send(paul, PAGE, f"{PAGE}/test")
    assert "taken for junk" in page(paul)
    assert "1 of" not in page(paul).partition("What your provider allows")[0]


def test_the_login_can_be_checked_without_sending_anything(
    paul: FlaskClient, smtp_sink: SmtpSink
) -> None:
    send(paul, PAGE, f"{PAGE}/login")
    assert "answers and takes the login" in page(paul)
    assert smtp_sink.mails == []


def test_without_a_mail_server_a_test_says_that_nothing_was_sent(
    sqlite_url: str, tmp_path: Path, clock_file: ClockFile
) -> None:
    home = Installation(sqlite_url, tmp_path, clock_file).publish_shipped()
    browser = again(home)
    for what in ("test", "login"):
        send(browser, PAGE, f"{PAGE}/{what}")
        assert "No mail server is set" in page(browser)
    home.close()


def test_a_new_domain_is_begun_slowly_and_the_page_says_whom_it_does_not_concern(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    assert "A series never waits for it" in page(paul)
    assert "50 on the first day, then 70, 98, 137, 192 and so on" in page(paul)
    send(paul, PAGE, f"{PAGE}/warm-up", begin="yes")
    assert row(sqlite_home).warming_since == sqlite_home.clock.now
    assert "Today is day 1 of 40: 50 letters may leave." in page(paul)
    sqlite_home.clock.advance(timedelta(days=40))
    assert "is over" in page(again(sqlite_home))
    browser = again(sqlite_home)
    send(browser, PAGE, f"{PAGE}/warm-up", begin="no")
    assert row(sqlite_home).warming_since is None


@pytest.mark.parametrize(
    "path",
    [PAGE, *(f"{PAGE}/{name}" for name in ("test", "login", "warm-up", "connect", "disconnect"))],
)
def test_nothing_is_done_without_the_forms_own_value(
    paul: FlaskClient, sqlite_home: Installation, path: str
) -> None:
    paul.get(PAGE)
    before = sqlite_home.everything()
    assert paul.post(path, data={"begin": "yes", "day": "5"}).status_code == 400
    assert paul.post(CONNECTED, data={"code": "abc", "state": "def"}).status_code == 400
    assert sqlite_home.everything() == before


# --- The connection --------------------------------------------------------------------------


@pytest.fixture
def service() -> Iterator[OAuthServer]:
    """A provider's login service."""
    with OAuthServer() as server:
        yield server


@pytest.fixture
def connecting(paul: FlaskClient, sqlite_home: Installation, service: OAuthServer) -> FlaskClient:
    """Paul's browser, with an account that is to be connected there."""
    url = "smtp://paul%40practice.example@127.0.0.1:25?auth=xoauth2&starttls=never"
    return again(sqlite_home, **service.settings | {"NURTURE_SMTP_URL": url})


def begin(browser: FlaskClient, **fields: str) -> str:
    """Begin to connect; return the address of the provider's page."""
    answer = send(browser, PAGE, f"{PAGE}/connect", **{"provider": "google"} | fields)
    assert answer.status_code == 200
    found = re.search(r'href="([^"]*/authorize[^"]*)"', answer.text)
    assert found
    return unescape(found[1])


def agree(address: str) -> str:
    """Agree on the provider's page; return the path that it leads back to."""
    parts = urlsplit(address)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    connection.request("GET", f"{parts.path}?{parts.query}")
    to = urlsplit(connection.getresponse().getheader("Location") or "")
    connection.close()
    return f"{to.path}?{to.query}"


def press(browser: FlaskClient, back: str) -> str:
    """Press the button on the page that the provider leads back to; return what is said then."""
    text = browser.get(back).text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text))
    browser.post(CONNECTED, data=hidden | {"csrf_token": token_on(browser, back)})
    return page(browser)


def state(home: Installation) -> GrantState | None:
    """Return the connected account."""
    with home.context.database.reading() as connection:
        return grant.find_state(connection)


def test_an_account_is_connected_with_a_link_there_and_a_button_back(
    connecting: FlaskClient, sqlite_home: Installation
) -> None:
    assert "No account is connected, so emails wait." in page(connecting)
    back = agree(begin(connecting))
    assert back.startswith(CONNECTED)
    connecting.get(back)
    assert state(sqlite_home) is None
    assert "Connected. What waited for the login leaves now." in press(connecting, back)
    connected = state(sqlite_home)
    assert connected is not None
    assert connected.account == "paul@practice.example"
    assert "paul@practice.example is connected at Google since" in page(connecting)
    assert "not begun here" in press(connecting, back)
    send(connecting, PAGE, f"{PAGE}/disconnect")
    assert "Disconnected." in page(connecting)
    assert state(sqlite_home) is None


def test_an_answer_that_was_not_asked_for_connects_nothing(
    connecting: FlaskClient, sqlite_home: Installation
) -> None:
    begin(connecting)
    assert "belongs to no connection" in press(connecting, f"{CONNECTED}?code=abc&state=def")
    assert state(sqlite_home) is None


def test_a_refused_permission_is_told(connecting: FlaskClient) -> None:
    begin(connecting)
    answer = connecting.get(f"{CONNECTED}?error=access_denied&state=def")
    assert answer.status_code == 303
    assert "Nothing was connected: no permission was given." in page(connecting)


def test_without_a_client_there_is_nothing_to_connect_with(paul: FlaskClient) -> None:
    send(paul, PAGE, f"{PAGE}/connect", provider="google")
    assert "There is no client ID to connect with." in page(paul)
    send(paul, PAGE, f"{PAGE}/connect", provider="carrier-pigeon", client_id="x")
    assert "known are google and microsoft" in page(paul)


def test_the_apps_secret_is_never_shown_again(
    connecting: FlaskClient, service: OAuthServer
) -> None:
    service.client_secret = "a-secret-of-the-app"
    back = agree(begin(connecting, client_secret="a-secret-of-the-app"))
    assert "Connected." in press(connecting, back)
    assert "a-secret-of-the-app" not in connecting.get(PAGE).text


def test_a_lapsed_permission_is_told_here_and_on_today(
    connecting: FlaskClient, sqlite_home: Installation, service: OAuthServer
) -> None:
    from nurture.store.tables import grants

    press(connecting, agree(begin(connecting)))
    with sqlite_home.context.database.writing() as connection:
        why = "Google has withdrawn it. Connect again."
        grants.change_grant(connection, lapsed_at=sqlite_home.clock.now, lapsed_because=why)
    for path in (PAGE, "/studio/"):
        shown = words(connecting.get(path).text)
        assert "Your mail account has to be connected again" in shown
        assert "Google has withdrawn it." in shown


def test_the_page_says_when_the_mailbox_was_last_read(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    assert "No mailbox is read" in page(paul)
    url = "imaps://paul%40practice.example:secret-word@imap.practice.example"
    browser = again(sqlite_home, NURTURE_IMAP_URL=url)
    assert "The mailbox has not been read yet." in page(browser)
    key, now = key_of(url), sqlite_home.clock.now
    with sqlite_home.context.database.writing() as connection:
        mailboxes.take_lease(connection, key, "reader", now, now)
        mailboxes.end_reading(connection, key, "reader", "", now)
    assert "The mailbox was last read today at 09:00." in page(browser)
    with sqlite_home.context.database.writing() as connection:
        mailboxes.take_lease(connection, key, "reader", now, now)
        mailboxes.end_reading(connection, key, "reader", "It takes no login.", now)
    sqlite_home.clock.advance(timedelta(hours=2))
    assert "The mailbox cannot be read: It takes no login." in page(browser)
    assert "Your mailbox is not being read" in words(browser.get("/studio/").text)
    assert "secret-word" not in browser.get(PAGE).text
