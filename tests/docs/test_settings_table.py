"""The README's table of settings lists what the program has, with the defaults."""

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nurture import booking
from nurture.cli import main
from nurture.mail import providers
from nurture.settings import Settings
from tests.presence import at_least_one

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (`.+?`) \| (.+) \| (.+) \|$", re.MULTILINE)
BARE = Settings(secret_key="x")

#: What holds unless these are set is not one value but a way, which the table has in words.
IN_WORDS = {
    "database_url": "SQLite in the data directory",
    "redis_url": "an embedded server of the program's own",
    "smtp_url": "the outbox in the data directory",
    "oauth_client_id": "the command asks for `--client-id`",
    "oauth_client_secret": "the command asks for `--client-id`",
    "oauth_token_url": "the provider’s own",
    "oauth_device_url": "the provider’s own",
    "oauth_authorize_url": "the provider’s own",
    "imap_url": "no mailbox is read",
    "feed_url": "as the studio says",
    "feed_allow": "public addresses only",
    "bounce_address": "the sender's address",
    "mail_provider": "recognised by the mail server's name",
    "secret_key": "made at the first start",
    "address_key": "made at the first start",
    "leaked_keys": "none",
    "backup_s3_key": "a bucket is refused",
    "backup_s3_secret": "a bucket is refused",
    "signup_secret": "made at the first start",
    "signup_token": "made at the first start",
    "dkim_selector": "not signed",
    "dkim_key_file": "not signed",
    "backup_url": "none are made by themselves",
    "metrics_token": "nobody",
    "clock": "the real clock",
    "templates_dir": "`templates/emails` of the checkout",
    "account": "as the studio says",
    **dict.fromkeys(
        ("limit_minute", "limit_hour", "limit_day", "limit_connections"),
        "as the studio or `ACCOUNT` says",
    ),
    "base_url": f"`{BARE.public_url}`",
}


def secrets_of_providers() -> set[str]:
    mail = {one.secret_setting for one in providers.registry().values()}
    calendars = {one.secret_setting for one in booking.registry().values()}
    return {name.removeprefix("NURTURE_") for name in mail | calendars}


def table() -> dict[str, str]:
    """Return the last column by the setting's name, without NURTURE_."""
    text = (ROOT / "README.md").read_text()
    section = text.partition("\n### Settings\n")[2].partition("\n## ")[0]
    found: dict[str, str] = {}
    for names, _, unless in at_least_one(ROW.findall(section)):
        each = re.findall(r"`(\w+)`", names)
        values = unless.split(", ") if unless.count(", ") == len(each) - 1 else [unless] * len(each)
        for name, value in at_least_one(zip(each, values, strict=True)):
            assert name not in found, f"{name} is there twice"
            found[name] = value
    return found


def test_the_table_lists_exactly_the_existing_settings() -> None:
    fields = {name.upper() for name in Settings.model_fields} - {"SECRETS"}
    assert set(table()) == fields | secrets_of_providers()


@pytest.mark.parametrize("name", sorted(set(Settings.model_fields) - {"secrets"}))
def test_the_table_shows_the_actual_default_of_each_setting(name: str) -> None:
    said = table()[name.upper()]
    if name in IN_WORDS:
        assert said == IN_WORDS[name]
        return
    default: Any = Settings.model_fields[name].default
    assert said.strip("`") == str(default)


def test_every_providers_calls_are_refused_until_its_secret_is_set() -> None:
    assert {table()[name] for name in secrets_of_providers()} == {"its calls are refused"}


@pytest.mark.parametrize("command", ["serve", "web", "worker", "beat"])
def test_help_names_existing_settings_with_their_actual_defaults(
    command: str,
) -> None:
    said = CliRunner().invoke(main, [command, "--help"]).output
    named = re.findall(r"^  +NURTURE_(\w+) +.* \((.+)\)$", said, re.MULTILINE)
    assert "DATA_DIR" in dict(named)
    assert ("HOST" in dict(named)) is (command in ("serve", "web"))
    actual = {name: Settings.model_fields[name.lower()].default for name, _ in named}
    stated = [
        (name, default) for name, default in named if actual[name] and name.lower() not in IN_WORDS
    ]
    assert stated == [(name, str(actual[name])) for name, _ in stated]
