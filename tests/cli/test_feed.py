"""The feed commands: what they set, read, show and fill in."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nurture.cli import main
from tests.installation import Installation
from tests.servers.blog import BlogServer
from tests.services.broadcasts.posts import add_owners, post

ALLOWED = {"NURTURE_FEED_ALLOW": "127.0.0.0/8"}


@pytest.fixture
def blog() -> Iterator[BlogServer]:
    with BlogServer() as server:
        server.show(post(1))
        yield server


def nurture(home: Installation, *words: str, **settings: str) -> Result:
    """Run one of the owner's commands; return its output."""
    environment = home.environment | ALLOWED | settings
    return CliRunner().invoke(main, ["feed", *words], env=environment)


def shown(home: Installation) -> Any:
    """Return what `show` says to programs."""
    return json.loads(nurture(home, "show", "--json").output)


def test_setting_a_feed_reads_it_for_the_first_time(
    sqlite_home: Installation, blog: BlogServer
) -> None:
    assert "Remembered 1 posts" in nurture(sqlite_home, "set", blog.url).output
    found = shown(sqlite_home)
    assert (found["url"], found["posts"], found["drafts"]) == (blog.url, 1, [])


def test_reading_makes_drafts_and_tells_the_owners(
    sqlite_home: Installation, blog: BlogServer
) -> None:
    add_owners(sqlite_home, "paul@example.org")
    nurture(sqlite_home, "set", blog.url)
    blog.show(post(2), post(1))
    found = json.loads(nurture(sqlite_home, "read", "--json").output)
    assert (found["drafted"], found["told"], found["trouble"]) == (["post-number-2"], 1, "")
    assert [one["broadcast"] for one in shown(sqlite_home)["drafts"]] == ["post-number-2"]
    assert "post-number-2" in nurture(sqlite_home, "show").output


def test_trouble_is_said_and_kept(sqlite_home: Installation, blog: BlogServer) -> None:
    blog.status = 500
    assert "could not be read" in nurture(sqlite_home, "set", blog.url).output
    assert "500" in shown(sqlite_home)["trouble"]
    assert "cannot be read" in nurture(sqlite_home, "show").output


def test_a_private_address_is_refused_unless_it_is_allowed(
    sqlite_home: Installation, blog: BlogServer
) -> None:
    output = nurture(sqlite_home, "set", blog.url, NURTURE_FEED_ALLOW="").output
    assert "not on the internet" in output
    assert blog.asked == []


def test_a_draft_is_sent_by_itself_only_if_that_is_chosen(
    sqlite_home: Installation, blog: BlogServer
) -> None:
    nurture(sqlite_home, "set", blog.url, "--after-a-day")
    chosen = [shown(sqlite_home)["sends_itself"]]
    nurture(sqlite_home, "set", "--only-when-pressed")
    chosen.append(shown(sqlite_home)["sends_itself"])
    assert chosen == [True, False]
    assert shown(sqlite_home)["url"] == blog.url


def test_an_empty_address_reads_no_feed(sqlite_home: Installation, blog: BlogServer) -> None:
    nurture(sqlite_home, "set", blog.url)
    assert nurture(sqlite_home, "set", "").output == "No feed is read.\n"
    assert "No feed is set" in nurture(sqlite_home, "show").output


@pytest.mark.parametrize(
    ("url", "settings"),
    [
        ("blog.example.org", {}),
        ("https://a:b@blog.example.org/feed", {}),
        ("https://other.example.org/feed", {"NURTURE_FEED_URL": "https://blog.example.org/feed"}),
    ],
)
def test_an_address_that_cannot_be_set_is_refused(
    sqlite_home: Installation, url: str, settings: dict[str, str]
) -> None:
    result = nurture(sqlite_home, "set", url, **settings)
    assert result.exit_code == 1 and result.output.startswith("nurture: ")


def test_filling_in_can_be_looked_at_first(sqlite_home: Installation, blog: BlogServer) -> None:
    blog.show(post(1, "When can I stop doing my rehab exercises?"))
    nurture(sqlite_home, "set", blog.url)
    email = "pain-guide/when-can-i-stop-my-rehab-exercises"
    foreseen = json.loads(nurture(sqlite_home, "fill-in", "--dry-run", "--json").output)
    assert [one["email"] for one in foreseen] == [email]
    assert email in nurture(sqlite_home, "fill-in").output
    assert "nothing to fill in" in nurture(sqlite_home, "fill-in").output
