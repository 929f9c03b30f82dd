"""The command that counts where people came from."""

import json

from click.testing import CliRunner, Result

from nurture.cli import main
from nurture.domain.subscribers.consent import Evidence
from tests.installation import Installation

UTM = {"utm_source": "Google", "utm_medium": "cpc", "utm_campaign": "spring"}


def nurture(home: Installation, *words: str) -> Result:
    """Run the command; return its output."""
    return CliRunner().invoke(main, ["sources", *words], env=home.environment)


def test_the_figures_are_printed_by_source(sqlite_home: Installation) -> None:
    page = "https://human-movement.com/free-guide"
    sqlite_home.subscribe("ann@example.org", utm=UTM, evidence=Evidence(page))
    sqlite_home.subscribe("bob@example.org")
    lines = nurture(sqlite_home, "pain-guide").output.splitlines()
    assert [line.split() for line in lines[2:]] == [
        ["1", "0", "0", "0", "not", "known"],
        ["1", "0", "0", "0", "google"],
        ["2", "0", "0", "0", "all"],
    ]
    assert "by UTM campaign" in nurture(sqlite_home, "pain-guide", "--by", "campaign").output
    assert "/free-guide" in nurture(sqlite_home, "pain-guide", "--by", "page").output


def test_the_figures_can_be_read_by_a_program(sqlite_home: Installation) -> None:
    sqlite_home.subscribe("ann@example.org", utm=UTM)
    said = nurture(sqlite_home, "pain-guide", "--by", "medium", "--since", "2020-01-01", "--json")
    found = json.loads(said.output)
    figures = {"signed_up": 1, "collected": 0, "booked": 0, "unsubscribed": 0}
    assert found["figures"] == [{"value": "cpc", **figures}]
    assert found["total"] == figures
    assert found["since"] == "2020-01-01T00:00:00+00:00"


def test_a_form_without_signups_or_that_does_not_exist_is_said_so(
    sqlite_home: Installation,
) -> None:
    assert "Nobody has signed up" in nurture(sqlite_home, "pain-guide").output
    wrong = nurture(sqlite_home, "nothing")
    assert wrong.exit_code == 1
    assert "There is no form “nothing”" in wrong.output
