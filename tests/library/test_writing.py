"""Changes in the studio preserve the owner's comments and order."""

import tomllib

import pytest

from nurture.library.folder import parse_email
from nurture.library.reading import LibraryError
from nurture.library.writing import (
    with_changed_step,
    with_front,
    with_moved_step,
    with_settings,
    with_step,
    without_step,
    written_email,
)

PLAN = """# The plan.
title = "T" # ours

# Hands it over.
[[steps]]
email = "one"
kind  = "guide" # first

[[steps]]
email = "two" # the second
wait  = "2 days"

# Only in the week.
[[steps]]
email = "three"
on    = ["monday"]

[quiet]
after = "6 months"
"""


def steps(toml: str) -> list[str]:
    return [step["email"] for step in tomllib.loads(toml)["steps"]]


def test_a_step_is_added_after_another() -> None:
    changed = with_step(PLAN, {"email": "new", "wait": "1 day"}, after="two")
    assert steps(changed) == ["one", "two", "new", "three"]
    assert changed.replace('[[steps]]\nemail = "new"\nwait = "1 day"\n\n', "") == PLAN
    assert steps(with_step(PLAN, {"email": "new"})) == ["new", "one", "two", "three"]


def test_a_step_is_removed_with_its_comment() -> None:
    changed = without_step(PLAN, "three")
    assert steps(changed) == ["one", "two"]
    assert "Only in the week" not in changed
    assert "# Hands it over.\n[[steps]]" in changed
    assert tomllib.loads(changed)["quiet"] == {"after": "6 months"}


def test_a_step_moves_with_its_comment() -> None:
    changed = with_moved_step(PLAN, "three", after="one")
    assert steps(changed) == ["one", "three", "two"]
    assert '# Only in the week.\n[[steps]]\nemail = "three"' in changed
    assert steps(with_moved_step(PLAN, "three")) == ["three", "one", "two"]


def test_a_step_is_changed_in_place() -> None:
    changed = with_changed_step(PLAN, "two", {"wait": "3 days", "at": "08:30"})
    assert tomllib.loads(changed)["steps"][1] == {"email": "two", "wait": "3 days", "at": "08:30"}
    assert 'email = "two" # the second' in changed
    assert "wait" not in with_changed_step(PLAN, "two", {"wait": None})


def test_settings_are_changed_and_their_comments_stay() -> None:
    assert 'title = "U" # ours' in with_settings(PLAN, {"title": "U"})
    assert tomllib.loads(with_settings(PLAN, {"after": "1 year"}, "quiet"))["quiet"] == {
        "after": "1 year"
    }


def test_an_unknown_step_is_an_error() -> None:
    with pytest.raises(LibraryError, match="no step “four”"):
        without_step(PLAN, "four")


def test_front_matter_is_changed_and_the_rest_stays() -> None:
    content = '+++\n# mine\nsubject = "a"\ntopics = ["x"]\n+++\nBody\n'
    changed = with_front(content, {"subject": "b “c”", "preheader": "p", "topics": None})
    assert changed.startswith('+++\n# mine\nsubject = "b “c”"\n')
    front, body, _ = parse_email(changed, "a.md")
    assert (front, body) == ({"subject": "b “c”", "preheader": "p"}, "Body\n")


def test_a_new_email_is_written_with_its_front_matter() -> None:
    front, body, line = parse_email(written_email({"subject": 'a "b"'}, "Body"), "a.md")
    assert (front, body, line) == ({"subject": 'a "b"'}, "Body", 4)
