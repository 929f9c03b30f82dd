"""The labelled sessions are as stated: readable, numerous and all different."""

from collections import Counter
from pathlib import Path

import pytest

from tests.engagement.corpus_reading import CORPUS, MalformedSessionError, read_session, sessions_in

SESSIONS = list(sessions_in())

WELL_FORMED = """
what = "A reader clicks"
who = "human"
known_from = "Ordinary reading"
accepted_at = 2026-11-23T08:30:00Z
links = 1

[[hits]]
after = 61.5
kind = "clicked"
agent = "Mozilla/5.0"
client = "192.0.2.1"
link = "https://human-movement.com/"
"""


def test_the_corpus_has_two_hundred_sessions_and_enough_of_each_kind() -> None:
    counted = Counter(session.name.partition("/")[0] for session in SESSIONS)
    assert counted.total() >= 200
    assert counted["machine"] >= 100
    assert counted["human"] >= 80
    assert counted["mixed"] >= 35


def test_every_file_of_the_corpus_is_a_session() -> None:
    kept = {path for path in CORPUS.rglob("*") if path.is_file() and path.name != "README.md"}
    assert kept == set(CORPUS.glob("*/*.toml"))
    assert len(SESSIONS) == len(kept)


def test_no_two_sessions_share_a_name_or_a_description() -> None:
    names = Counter(session.name.partition("/")[2] for session in SESSIONS)
    assert [name for name, times in names.items() if times > 1] == []
    described = Counter(session.what for session in SESSIONS)
    assert [what for what, times in described.items() if times > 1] == []


def test_no_two_sessions_have_the_same_hits() -> None:
    told = Counter(
        tuple(
            (hit.at - session.accepted_at, hit.kind, hit.method, hit.agent, hit.client, hit.link)
            for hit in session.hits
        )
        for session in SESSIONS
    )
    assert max(told.values()) == 1


def test_a_session_is_read_with_its_times_and_visitors(tmp_path: Path) -> None:
    session = read_session(_written(tmp_path, WELL_FORMED))
    (hit,) = session.hits
    assert (hit.at - session.accepted_at).total_seconds() == 61.5
    assert (hit.who, hit.method, hit.others) == ("human", "GET", 0)
    assert session.crowd == {"192.0.2.1": 0}


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("links = 1", "links = 1\ncolour = 'red'", "unknown keys: colour"),
        ("links = 1", "", "lacks: links"),
        ("links = 1", "links = true", "links must be of kind int"),
        ("links = 1", "links = 0", "more different links"),
        ("after = 61.5", "after = '61.5'", "after must be of kind float"),
        ('"clicked"', '"seen"', "kind must be one of clicked, opened"),
        ('"clicked"', '"opened"', "an open has none"),
        ('link = "https://human-movement.com/"', "", "a click has a link"),
        ('"192.0.2.1"', '"the office"', "does not appear to be an IPv4 or IPv6 address"),
        ('who = "human"', 'who = "machine"', "those of the folder human"),
        ("08:30:00Z", "08:30:00", "must be in UTC"),
        ('agent = "Mozilla/5.0"', "agent = Mozilla", "Invalid value"),
    ],
)
def test_a_malformed_session_is_refused_by_name(
    tmp_path: Path, good: str, bad: str, said: str
) -> None:
    with pytest.raises(MalformedSessionError, match=said) as refusal:
        read_session(_written(tmp_path, WELL_FORMED.replace(good, bad)))
    assert str(refusal.value).startswith("human/a-reader.toml: ")


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "human" / "a-reader.toml"
    path.parent.mkdir()
    path.write_text(text, "utf-8")
    return path
