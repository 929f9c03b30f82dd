"""A database is opened with its own keys, or with none until the owner confirms."""

from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.subscribers.suppression import suppress_address
from tests.installation import Installation
from tests.machines import command

OTHERS = {"NURTURE_SECRET_KEY": "a key that was made on another machine"}


def test_every_command_refuses_a_database_whose_keys_are_missing(
    sqlite_home: Installation,
) -> None:
    sqlite_home.subscribe("anna@example.org")
    # Also one of before marks were kept: its people show which key it was.
    for _ in range(2):
        refused = command(sqlite_home, "status", **OTHERS)
        assert refused.exit_code == 1 and "secrets.env" in refused.output
        assert command(sqlite_home, "status").exit_code == 0
    older_last = f"{OTHERS['NURTURE_SECRET_KEY']},{sqlite_home.context.settings.secret_key}"
    assert command(sqlite_home, "status", NURTURE_SECRET_KEY=older_last).exit_code == 0


def test_lost_keys_are_replaced_only_on_request(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    home.subscribe("anna@example.org")
    address_hash = home.context.tokens.address_hash("anna@example.org")
    with home.context.database.writing() as connection:
        complained, now = SuppressionReason.COMPLAINED, home.clock.now
        suppress_address(connection, 1, address_hash, "", now, complained)
    assert command(home, "accept-keys", "--yes", **OTHERS).exit_code == 0
    said = command(home, "suppression", "list", **OTHERS)
    assert said.exit_code == 0 and "anna@example.org" in said.output
    assert command(home, "status").exit_code == 1


def test_an_empty_database_adopts_the_current_keys(sqlite_home: Installation) -> None:
    # Looking changes nothing; what brings the database up to date remembers whose it is.
    assert command(sqlite_home, "status", **OTHERS).exit_code == 0
    assert command(sqlite_home, "status").exit_code == 0
    assert command(sqlite_home, "publish", **OTHERS).exit_code == 0
    assert command(sqlite_home, "status").exit_code == 1


def test_only_the_address_key_must_match_the_database(sqlite_home: Installation) -> None:
    home, mine = sqlite_home, sqlite_home.context.settings.secret_key
    home.subscribe("anna@example.org")
    assert command(home, "publish").exit_code == 0
    assert command(home, "status", NURTURE_ADDRESS_KEY=mine).exit_code == 0
    assert command(home, "status", **OTHERS, NURTURE_ADDRESS_KEY=mine).exit_code == 0
    refused = command(home, "status", NURTURE_ADDRESS_KEY="a key of another machine")
    assert refused.exit_code == 1 and "NURTURE_ADDRESS_KEY" in refused.output


def test_a_lost_address_key_is_replaced_on_request_too(sqlite_home: Installation) -> None:
    home, other = sqlite_home, {"NURTURE_ADDRESS_KEY": "a key that was made afterwards"}
    home.subscribe("anna@example.org")
    assert command(home, "publish").exit_code == 0
    assert command(home, "accept-keys", "--yes", **other).exit_code == 0
    assert command(home, "status", **other).exit_code == 0
    assert home.person("anna@example.org")["address_hash"] == home.another(
        **other
    ).tokens.address_hash("anna@example.org")
