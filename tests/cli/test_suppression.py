"""The suppression commands: what they print, lift and refuse."""

import json

import pytest
from click.testing import CliRunner, Result

from nurture.cli import main
from nurture.domain.tracking.events import EventKind
from nurture.services.inbound import bounce_jumps
from nurture.store.tables.account import find_hold
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation
from tests.vocabulary import ANN, HARD, bounce_all, crowd, news, tell


def nurture(home: Installation, *words: str) -> Result:
    """Run one of the owner's commands; return its output."""
    return CliRunner().invoke(main, ["suppression", *words], env=home.environment)


def bounce(home: Installation, kind: EventKind = EventKind.BOUNCED) -> None:
    """Report a bounce of Ann's address, as a provider would."""
    home.subscribe(ANN)
    tell(home, [news(home, kind, home.clock.now, permanent=True, reason=HARD)])


def test_the_list_names_every_reason_or_says_that_there_is_none(
    sqlite_home: Installation,
) -> None:
    assert nurture(sqlite_home, "list").output == "Every address is emailed.\n"
    bounce(sqlite_home)
    tell(sqlite_home, [news(sqlite_home, EventKind.UNSUBSCRIBED, sqlite_home.clock.now)])
    stranger = "stranger@example.org"
    now = sqlite_home.clock.now
    tell(sqlite_home, [news(sqlite_home, EventKind.COMPLAINED, now, address=stranger)])
    printed = nurture(sqlite_home, "list").output
    assert printed.count(ANN) == 2
    assert HARD in printed and stranger not in printed
    values = json.loads(nurture(sqlite_home, "list", "--json").output)
    found = {(one["address"], one["reason"]) for one in values}
    assert found == {(ANN, "bounced"), (ANN, "unsubscribed"), (None, "complained")}


def test_a_bounce_is_lifted_by_address(sqlite_home: Installation) -> None:
    bounce(sqlite_home)
    assert nurture(sqlite_home, "lift", ANN).exit_code == 2
    lifted = nurture(sqlite_home, "lift", ANN.upper(), "--reason", "she rang")
    assert (lifted.exit_code, lifted.output) == (0, f"{ANN.upper()} is emailed again.\n")
    assert sqlite_home.rows(suppressions) == []
    again = nurture(sqlite_home, "lift", ANN, "--reason", "she rang")
    assert again.exit_code == 1
    assert "not suppressed" in again.output


@pytest.mark.parametrize("kind", [EventKind.UNSUBSCRIBED, EventKind.COMPLAINED])
def test_only_a_bounce_can_be_lifted(sqlite_home: Installation, kind: EventKind) -> None:
    bounce(sqlite_home, kind)
    refused = nurture(sqlite_home, "lift", ANN, "--reason", "please")
    assert refused.exit_code == 1
    assert "they" in refused.output.lower() and refused.output.count("\n") == 1
    bounce(sqlite_home)
    lifted = nurture(sqlite_home, "lift", ANN, "--reason", "typo")
    assert lifted.exit_code == 0
    assert "still not emailed" in lifted.output
    assert [row["reason"] for row in sqlite_home.rows(suppressions)] == [kind]


@pytest.mark.parametrize(("word", "suppressed"), [("confirm", 11), ("dismiss", 0)])
def test_a_bounce_jump_is_listed_and_settled_by_a_command(
    sqlite_home: Installation, word: str, suppressed: int
) -> None:
    home = sqlite_home
    bounce_all(home, crowd(home, 11))
    assert "10 of 11 emails sent in a day bounced for good" in nurture(home, "list").output
    assert nurture(home, word).exit_code == 0
    assert len(home.rows(suppressions)) == suppressed
    assert bounce_jumps.find_jump(home.context.database) is None
    with home.context.database.reading() as connection:
        assert find_hold(connection) is None
    assert nurture(home, word).exit_code == 1
