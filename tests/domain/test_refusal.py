"""What a refusal is about, compared with real answers of mail servers."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from nurture.domain.messages.refusal import Blame, Refusal, Stage, alike, understand

_STAGES = {"MAIL": Stage.SENDER, "RCPT": Stage.RECIPIENT, "DATA": Stage.DATA, "END": Stage.CONTENT}
_MARKS = ("dead", "full", "unclear", "crowded", "worn")


def _corpus(told: str = "says") -> list[Any]:
    """Return the answers whose `told` is written down, each at each of its stages."""
    found = tomllib.loads(Path(__file__).with_name("refusals.toml").read_text(encoding="utf-8"))
    return [
        pytest.param(_STAGES[stage], case, id=f"{stage} {case['says'][:60]}")
        for case in found["refusal"]
        for stage in case["at"].split()
        if told in case
    ]


def _understood(stage: Stage, says: str) -> Refusal:
    return understand(stage, int(says[:3]), says[4:])


@pytest.mark.parametrize(("stage", "case"), _corpus())
def test_a_real_refusal_is_blamed_on_the_right_party(stage: Stage, case: dict[str, Any]) -> None:
    refusal = _understood(stage, case["says"])
    assert refusal.blame == case["about"]
    assert {m for m in _MARKS if getattr(refusal, m)} == {m for m in _MARKS if case.get(m)}
    assert (refusal.cause is not None) == (refusal.blame is Blame.ACCOUNT)


@pytest.mark.parametrize(("stage", "case"), _corpus("cause"))
def test_a_real_refusal_of_the_account_has_the_right_cause(
    stage: Stage, case: dict[str, Any]
) -> None:
    assert _understood(stage, case["says"]).cause == case["cause"]


def test_the_refusal_corpus_is_large_enough() -> None:
    cases = tomllib.loads(Path(__file__).with_name("refusals.toml").read_text())["refusal"]
    abouts = [case["about"] for case in cases]
    assert abouts.count("account") >= 40
    assert abouts.count("recipient") >= 15


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5.1.1 <ann@example.org>: User unknown", "5.1.1 <bob@example.net>: User unknown"),
        ("mailbox ann not found [a1b2c3]", "mailbox bob not found [9f8e7d]"),
        ("5.7.1 blocked 192.0.2.1 id 17", "5.7.1 blocked 192.0.2.99 id 4711"),
    ],
)
def test_refusals_that_differ_only_in_addresses_and_numbers_are_alike(one: str, other: str) -> None:
    assert alike(550, one, "ann@example.org") == alike(550, other, "bob@example.net")


def test_refusals_with_other_codes_or_words_are_not_alike() -> None:
    marks = {
        alike(code, text, "ann@example.org")
        for code, text in [
            (550, "5.1.1 unknown"),
            (553, "5.1.1 unknown"),
            (550, "5.7.1 unknown"),
            (550, "5.1.1 blocked"),
        ]
    }
    assert len(marks) == 4
