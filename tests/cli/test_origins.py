"""The commands for the websites that may use our forms."""

from click.testing import CliRunner, Result

from nurture.cli import main
from tests.installation import Installation


def nurture(home: Installation, *words: str) -> Result:
    """Run one of the owner's commands; return its output."""
    return CliRunner().invoke(main, ["origins", *words], env=home.environment)


def test_a_website_is_listed_from_when_it_is_added_until_it_is_dropped(
    sqlite_home: Installation,
) -> None:
    own = "https://human-movement.com  (your website)"
    assert own in nurture(sqlite_home, "list").output
    assert "https://shop.example.org may" in nurture(sqlite_home, "add", "shop.example.org").output
    assert "https://shop.example.org\n" in nurture(sqlite_home, "list").output
    assert nurture(sqlite_home, "drop", "https://shop.example.org/").exit_code == 0
    assert "shop" not in nurture(sqlite_home, "list").output


def test_what_is_no_website_is_refused_in_one_line(sqlite_home: Installation) -> None:
    for words in (("add", "nothing at all"), ("drop", "shop.example.org")):
        refused = nurture(sqlite_home, *words)
        assert refused.exit_code == 1
        assert refused.output.count("\n") == 1
