"""Odd things typed after `nurture broadcast`, which are answered in a sentence."""

from datetime import UTC, datetime

import pytest

from tests.faults.broadcasting import email, in_words, let_leave, readers, sent, told
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.machines import command

KEY = "spring"


def draft(home: Installation, key: str, *words: object, stream: str = "news") -> str:
    """Write a draft that is refused; return what was said."""
    given = ("--file", email(home, KEY), "--stream", stream, *words)
    return in_words(command(home, "broadcast", "draft", key, *given))


@pytest.mark.parametrize("key", ["", "../x", "a/b", "Spring", "mai🌱", "a b", "x" * 300, "a:b"])
def test_a_key_is_small_letters_digits_and_hyphens(sqlite_home: Installation, key: str) -> None:
    assert "small letters" in draft(sqlite_home, key)


@pytest.mark.parametrize("title", ["two\nlines", "red \x1b[31m", "x" * 5000])
def test_a_title_is_one_line_of_text(sqlite_home: Installation, title: str) -> None:
    assert "title" in draft(sqlite_home, KEY, "--title", title)


@pytest.mark.parametrize("days", ["-1", "0", "x", "10000000000000"])
def test_days_late_are_a_sensible_number(sqlite_home: Installation, days: str) -> None:
    assert "--late-after" in draft(sqlite_home, KEY, "--late-after", days)


@pytest.mark.parametrize(
    "words",
    [
        ("--at", "yesterday"),
        ("--at", "2026-13-01"),
        ("--on", "2026-03-09"),
        ("--hour", "09:00"),
        ("--on", "2026-03-09", "--hour", "25:00"),
        ("--on", "2026-03-09", "--hour", "09:00+02:00"),
        ("--to", "nobody-knows-it"),
        ("--to", "golfers", "--not", "golfers"),
    ],
    ids=" ".join,
)
def test_a_time_or_a_segment_that_cannot_be_is_refused(
    sqlite_home: Installation, words: tuple[str, ...]
) -> None:
    assert draft(sqlite_home, KEY, *words)
    assert "None has been written" in in_words(command(sqlite_home, "broadcast", "show", KEY))


@pytest.mark.parametrize("content", [b"", b"Hello.\n", b"\xff\xfe\x00", b"+++\n+++\n"])
def test_a_file_that_is_no_email_is_never_sent(sqlite_home: Installation, content: bytes) -> None:
    path = email(sqlite_home, KEY)
    path.write_bytes(content)
    command(sqlite_home, "broadcast", "draft", KEY, "--file", path, "--stream", "news")
    assert in_words(command(sqlite_home, "broadcast", "send", KEY))


def test_an_email_of_200_kb_is_not_sent(sqlite_home: Installation) -> None:
    path = email(sqlite_home, KEY, "A word. " * 25_000)
    told(sqlite_home, "draft", KEY, "--file", path, "--stream", "news")
    assert "100,000" in in_words(command(sqlite_home, "broadcast", "send", KEY))


def test_a_time_that_has_passed_is_refused_when_it_is_sent(sqlite_home: Installation) -> None:
    words = ("--file", email(sqlite_home, KEY), "--stream", "news", "--at", "2020-01-01 09:00")
    told(sqlite_home, "draft", KEY, *words)
    assert "has passed" in in_words(command(sqlite_home, "broadcast", "send", KEY))


def test_a_time_in_another_zone_is_told_in_utc(sqlite_home: Installation) -> None:
    home = sqlite_home
    words = ("--file", email(home, KEY), "--stream", "news", "--at", "2026-03-09T09:00+14:00")
    told(home, "draft", KEY, *words)
    assert "08 March 2026, 19:00 UTC" in command(home, "broadcast", "send", KEY).output
    leaves_at = datetime.fromisoformat(told(home, "show", KEY)["leaves_at"])
    assert leaves_at == datetime(2026, 3, 8, 19, 0, tzinfo=UTC)


def test_broadcasts_of_one_stream_are_one_list_for_email_programs(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    readers(sqlite_home, 1)
    sent(sqlite_home, KEY, "--title", "Spring 🌱")
    let_leave(sqlite_home, minutes=6)
    [mail] = smtp_sink.mails
    assert mail.message["List-Id"].startswith("<news.")
    assert mail.message["Feedback-ID"] == "spring:news:article:nurture"
