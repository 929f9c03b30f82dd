"""`nurture trace`: the walk of one message, in rows and in the logbook."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Table, update

from nurture.cli import main
from nurture.domain.messages.status import MessageStatus
from nurture.domain.scheduling.gate import UNTIL_RESUMED
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from tests.installation import Installation
from tests.installations import ScriptedSink

ANN = "ann@example.org"


def trace(home: Installation, *words: str) -> Result:
    """The command's answer."""
    return CliRunner().invoke(main, ["trace", *words], env=home.environment)


def walk(home: Installation, message: int) -> list[dict[str, Any]]:
    """The walk as programs read it."""
    said = trace(home, str(message), "--json")
    assert said.exit_code == 0, said.output
    return list(json.loads(said.stdout)["walk"])


def stages(home: Installation, message: int) -> list[str]:
    return [entry["stage"] for entry in walk(home, message)]


def test_a_sent_message_shows_every_stage_in_order(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.fill_in_form(ANN)
    home.live(minutes=1)
    said = trace(home, "1")
    assert said.exit_code == 0, said.output
    found = re.findall(r"^[-0-9: ]{19}  (\w+)", said.stdout, re.MULTILINE)
    assert found == ["enrolled", "due", "gate", "claim", "offer", "answer", "now"]
    assert "pain-guide/your-guide, guide" in said.stdout
    assert "to ann@example.org (subscriber 1), accepted" in said.stdout
    assert "consent to “guide” given" in said.stdout
    assert "in the form “pain-guide”" in said.stdout
    assert "reply code 250" in said.stdout


def test_a_message_is_found_by_the_header_of_the_email(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.fill_in_form(ANN)
    home.live(minutes=1)
    [mail] = smtp_sink.mails
    header = str(mail.message["Message-ID"])
    by_header, by_number = trace(home, header), trace(home, "1")
    assert by_header.exit_code == 0, by_header.output
    assert by_header.stdout == by_number.stdout


def test_events_and_verdicts_follow_the_answer(home: Installation, smtp_sink: ScriptedSink) -> None:
    home.fill_in_form(ANN, consent=["tracking"])
    home.live(minutes=1)
    home.collect()
    home.live(days=4)
    number = home.rows(messages)[-1]["id"]
    link = home.context.tokens.click(number, "https://example.org/an-article")
    home.client.get(f"/c/{link}")
    home.fold()
    held = [entry for entry in walk(home, number) if entry["stage"] == "verdict"]
    assert [entry["said"] for entry in held] == ["Held until it is judged"]
    home.live(minutes=10)
    home.judge()
    judged = [entry for entry in walk(home, number) if entry["stage"] in ("event", "verdict")]
    assert [entry["stage"] for entry in judged] == ["event", "verdict"]
    assert judged[0]["said"] == "Clicked"
    assert "link https://example.org/an-article" in judged[0]["reasons"]
    assert judged[1]["said"].startswith("Judged")
    assert any(reason.startswith("rules") for reason in judged[1]["reasons"])


def test_a_delay_names_what_may_have_caused_it(home: Installation, smtp_sink: ScriptedSink) -> None:
    home.fill_in_form(ANN)
    home.live(minutes=1)
    long_due = home.rows(messages)[0]["claimed_at"] - timedelta(hours=9)
    with home.context.database.writing() as connection:
        connection.execute(update(messages).values(due_at=long_due))
    [gate] = [entry for entry in walk(home, 1) if entry["stage"] == "gate"]
    assert any("due for 9 hours" in reason for reason in gate["reasons"])


@pytest.mark.parametrize("status", list(MessageStatus))
def test_a_message_of_every_status_can_be_traced(
    sqlite_home: Installation, smtp_sink: ScriptedSink, status: MessageStatus
) -> None:
    home = sqlite_home
    home.fill_in_form(ANN)
    home.live(minutes=1)
    with home.context.database.writing() as connection:
        connection.execute(
            update(messages).values(status=status, accepted_at=None, code=None, reason="busy")
        )
    entries = walk(home, 1)
    answer = next(entry for entry in entries if entry["stage"] == "answer")
    assert answer["at"] is None
    assert answer["reasons"] == []
    assert entries[-1]["said"] == f"The message is {status}"
    assert entries[-1]["reasons"][0] == "busy"


def test_the_logbook_of_a_killed_worker_says_what_was_handed_over(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    home = sqlite_home
    home.fill_in_form(ANN)
    home.live(minutes=1)
    claim = home.rows(messages)[0]["claim"]
    logbook = home.context.logbooks.begin(claim)
    logbook.handing_over(1)
    [alive] = [entry for entry in walk(home, 1) if entry["stage"] == "offer"]
    assert alive["said"] == "A worker is offering this batch now"
    logbook.end(served=False)
    [dead] = [entry for entry in walk(home, 1) if entry["stage"] == "offer"]
    assert dead["said"] == "The content was handed over and no answer was read"
    assert dead["reasons"] == ["the logbook is whole"]


@pytest.mark.parametrize("named", ["815", "nonsense", "1.0000@example.org", "²", "-- -1"])
def test_an_unknown_message_is_refused_with_the_next_move(
    sqlite_home: Installation, named: str
) -> None:
    said = trace(sqlite_home, *named.split())
    assert said.exit_code == 1, said.output
    assert said.stderr.startswith("nurture: ") and said.stderr.count("\n") == 1
    assert "nurture why" in said.stderr


def test_tracing_changes_nothing(home: Installation, smtp_sink: ScriptedSink) -> None:
    home.fill_in_form(ANN)
    home.live(minutes=1)
    before = home.everything()
    assert trace(home, "1").exit_code == 0
    assert home.everything() == before


def entry(home: Installation, stage: str) -> dict[str, Any]:
    """Return the one entry of a stage in the walk of the first message."""
    [found] = [one for one in walk(home, 1) if one["stage"] == stage]
    return found


def change(home: Installation, table: Table, **values: object) -> None:
    """Bring the first person's rows to a state that takes days to reach."""
    with home.context.database.writing() as connection:
        connection.execute(update(table).values(values))


def test_an_email_in_the_outbox_is_not_said_to_be_sent(sqlite_home: Installation) -> None:
    silent = Installation(sqlite_home.url, sqlite_home.directory, sqlite_home.clock)
    silent.fill_in_form(ANN)
    silent.live(minutes=1)
    assert entry(silent, "answer")["said"] == "Written to the outbox, not sent"


def test_a_kind_of_a_newer_version_is_said_to_be_unknown(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    sqlite_home.fill_in_form(ANN)
    sqlite_home.live(minutes=1)
    change(sqlite_home, messages, kind="riddle")
    assert "does not know the kind “riddle”" in entry(sqlite_home, "gate")["reasons"][0]


def test_a_retry_is_not_said_to_have_been_held_up(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    smtp_sink.answers["DATA"] = "451 4.7.1 Try later"
    sqlite_home.fill_in_form(ANN)
    sqlite_home.live(minutes=1)
    smtp_sink.answers.clear()
    sqlite_home.live(hours=2)
    reasons = entry(sqlite_home, "gate")["reasons"]
    assert "attempt 2; earlier offers are not on record" in reasons
    assert not any("held it" in reason for reason in reasons)


def test_a_cancelled_retry_and_a_bounce_say_what_happened_when(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    sqlite_home.fill_in_form(ANN)
    sqlite_home.live(minutes=1)
    change(sqlite_home, messages, status="bounced", reason="550 5.1.1 No such user")
    assert entry(sqlite_home, "answer")["reasons"] == ["reply code 250"]
    assert entry(sqlite_home, "now")["reasons"][0] == "550 5.1.1 No such user"
    change(sqlite_home, messages, status="cancelled", accepted_at=None, code=451)
    assert entry(sqlite_home, "answer")["said"] == "Cancelled before it was offered again"


def test_a_paused_and_a_held_enrolment_have_no_date(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    sqlite_home.fill_in_form(ANN)
    sqlite_home.live(minutes=1)
    change(sqlite_home, enrolments, next_look_at=UNTIL_RESUMED)
    assert "until its sequence is resumed" in entry(sqlite_home, "now")["reasons"][-1]
    change(sqlite_home, enrolments, held_at=sqlite_home.clock.now)
    assert "held since a restore" in entry(sqlite_home, "now")["reasons"][-1]


def test_an_erased_person_has_no_address(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    sqlite_home.fill_in_form(ANN)
    sqlite_home.live(minutes=1)
    said = CliRunner().invoke(main, ["forget", ANN, "--yes"], env=sqlite_home.environment)
    assert said.exit_code == 0, said.output
    assert "to (erased) (subscriber 1)" in trace(sqlite_home, "1").stdout
