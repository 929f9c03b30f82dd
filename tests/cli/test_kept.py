"""The commands for kept forms: what they list, map, take in and delete."""

import json

import pytest
from click.testing import CliRunner, Result

from nurture.cli import main
from nurture.store.tables.kept_calls import field_mappings, kept_calls
from tests.installation import Installation
from tests.services.door.strange_forms import send_strange, strange

ANNA = "anna@example.org"


@pytest.fixture
def anna(sqlite_home: Installation) -> Installation:
    """An installation to which a website has sent a form that nothing can read."""
    send_strange(sqlite_home, strange(ANNA))
    return sqlite_home


def nurture(home: Installation, *words: str) -> Result:
    """Run one of the owner's commands; return its output."""
    return CliRunner().invoke(main, ["kept", *words], env=home.environment)


def test_the_list_names_the_fields_but_no_value(anna: Installation) -> None:
    printed = nurture(anna, "list").output
    assert printed.startswith("pain-guide: 1 kept, with the fields\n  /q7/a\n")
    assert ANNA not in printed
    [told] = json.loads(nurture(anna, "list", "--json").output)
    assert (told["form"], told["count"], told["fields"][0]) == ("pain-guide", 1, "/q7/a")


def test_mapping_signs_up_what_is_kept(anna: Installation) -> None:
    words = ("map", "pain-guide", "--email", "/q7/a", "--first-name", "/q9")
    mapped = nurture(anna, *words, "--box", "/tick=news")
    assert (mapped.exit_code, mapped.output) == (0, "Signed up: 1. Still kept: 0.\n")
    assert "news" in anna.person(ANNA)["purposes"]
    assert nurture(anna, "list").output == "Nothing is kept: every form could be read.\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("pain-guide", "--email", "q7"), 1, "is not the place of a field"),
        (("made-up", "--email", "/q7/a"), 1, "There is no form “made-up”"),
        (("pain-guide", "--email", "/q7/a", "--box", "/tick=marketeering"), 2, "PURPOSE is one"),
        (("pain-guide", "--email", "/q7/a", "--box", "/tick=guide"), 2, "PURPOSE is one"),
    ],
    ids=["no pointer", "no form", "no purpose", "the guide"],
)
def test_a_mapping_that_makes_no_sense_is_refused(
    anna: Installation, words: tuple[str, ...], code: int, said: str
) -> None:
    refused = nurture(anna, "map", *words)
    assert refused.exit_code == code
    assert said in refused.output
    assert anna.rows(field_mappings) == []


def test_retrying_takes_in_nothing_that_is_still_unread(anna: Installation) -> None:
    assert nurture(anna, "retry").output == "pain-guide: Signed up: 0. Still kept: 1.\n"
    assert nurture(anna, "retry", "pain-guide").output.endswith("Still kept: 1.\n")


def test_dropping_asks_first(anna: Installation) -> None:
    assert nurture(anna, "drop", "pain-guide").exit_code != 0
    assert len(anna.rows(kept_calls)) == 1
    assert nurture(anna, "drop", "pain-guide", "--yes").output == "Deleted: 1.\n"
    assert anna.rows(kept_calls) == []
