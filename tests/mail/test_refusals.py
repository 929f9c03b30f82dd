"""Each refusal of the corpus at each verb of a real session: nobody fails because of others."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.mail.offering import ACCEPTED, DEFERRED, FAILED, offered, recipients
from tests.mail.scripted_server import Answer, ScriptedServer

_CORPUS = Path(__file__).parents[1] / "domain/refusals.toml"
_STAGE = {"MAIL": "MAIL", "RCPT": "RCPT", "DATA": "DATA", "END": "dot"}


def _cases() -> list[Any]:
    found = tomllib.loads(_CORPUS.read_text(encoding="utf-8"))
    return [
        pytest.param(verb, case, id=f"{verb} {case['says'][:50]}")
        for case in found["refusal"]
        for verb in case["at"].split()
    ]


@pytest.mark.parametrize(("verb", "case"), _cases())
def test_a_refusal_during_a_run_affects_no_other_message(verb: str, case: dict[str, Any]) -> None:
    says = case["says"].replace("-", " ", 1) if case["says"][3] == "-" else case["says"]
    script: dict[str, Answer | list[Answer | None]] = {_STAGE[verb]: [None, None, says]}
    with ScriptedServer(script) as server:
        outcomes = offered(server, 8, connections=1)
        taken = recipients(server)
    assert len(set(taken)) == len(taken)
    others = [o.status for o in outcomes if o.message != 2]
    if case["about"] == "account":
        stopped = any(o.about_the_account for o in outcomes)
        assert stopped or len(taken) == 8  # A fresh session may have been enough.
        assert FAILED not in {o.status for o in outcomes}
    else:
        assert others == [ACCEPTED] * 7
        [told] = [o for o in outcomes if o.message == 2]
        fails = case.get("dead") or (case["about"] == "content" and says[0] == "5")
        assert told.status is (FAILED if fails else told.status)
        assert told.status in (FAILED, DEFERRED, ACCEPTED)
        assert (told.status is FAILED) <= (says[0] == "5")
        assert told.address_refused == bool(case.get("dead"))
