"""The effect of a fault on a message, at every stage of opening and using a session."""

import socket
from collections.abc import Callable

import pytest

from nurture.domain.messages.status import MessageStatus
from nurture.mail.mailer import Outcome
from nurture.mail.smtp.session import SmtpSession
from tests.mail.offering import (
    ACCEPTED,
    DEFERRED,
    FAILED,
    IN_DOUBT,
    PATIENCE,
    envelope,
    envelopes,
    mailer_to,
    offered,
    recipients,
    statuses,
)
from tests.mail.scripted_server import GARBAGE, Answer, Fault, ScriptedServer

LATER, NEVER = "451 4.3.0 later", "554 5.6.0 never"
STAGES = ("MAIL", "RCPT", "DATA", "dot")
FAULTS: tuple[Answer, ...] = (Fault.DROP, Fault.SILENCE, Fault.DRIP, GARBAGE)


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "one by one"])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("stage", STAGES)
def test_a_fault_before_the_final_dot_defers_and_one_after_it_is_in_doubt(
    stage: str, fault: Answer, pipelining: bool
) -> None:
    with ScriptedServer({stage: fault}, pipelining=pipelining) as server:
        [outcome] = offered(server, timeout=PATIENCE)
    assert outcome.status is (IN_DOUBT if stage == "dot" else DEFERRED)
    assert outcome.code is None
    assert outcome.reason.endswith(".")


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "one by one"])
@pytest.mark.parametrize("stage", STAGES[1:])
@pytest.mark.parametrize(("answer", "status"), [(LATER, DEFERRED), (NEVER, FAILED)])
def test_a_refusal_affects_only_its_own_message(
    stage: str, answer: str, status: MessageStatus, pipelining: bool
) -> None:
    with ScriptedServer({stage: [None, answer]}, pipelining=pipelining) as server:
        first, second, third = offered(server, 3, connections=1)
        assert (first.status, second.status, third.status) == (ACCEPTED, status, ACCEPTED)
        assert second.code == int(answer[:3])
        assert answer in second.reason
        assert recipients(server) == ["r0@example.org", "r2@example.org"]
        assert len(server.visits) == 1
        assert server.visits[0].complaints == []


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "one by one"])
@pytest.mark.parametrize("says", ["451 mails per session limit exceeded", "452 enough", "421 bye"])
def test_a_session_with_a_message_limit_is_replaced_by_a_new_one(
    says: str, pipelining: bool
) -> None:
    script: dict[str, Answer | list[Answer | None]] = {"MAIL": [None, None, says] * 10}
    with ScriptedServer(script, pipelining=pipelining) as server:
        outcomes = offered(server, 20, connections=1)
        assert statuses(outcomes) == {ACCEPTED: 20}
        assert len(set(recipients(server))) == len(recipients(server)) == 20
        assert len(server.visits) == 10


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "one by one"])
@pytest.mark.parametrize("stage", ["MAIL", "dot"])
def test_a_server_limited_to_three_sessions_gets_three(stage: str, pipelining: bool) -> None:
    server = ScriptedServer(
        {stage: "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded"},
        pipelining=pipelining,
        served=3,
        delay=0.005,
    )
    with server:
        outcomes = offered(server, 200, connections=16)
        assert statuses(outcomes) == {ACCEPTED: 200}
        assert len(set(recipients(server))) == len(recipients(server)) == 200


def test_a_quota_refusal_stops_the_offer_and_fails_nobody() -> None:
    quota = "550 5.4.5 Daily user sending limit exceeded."
    with ScriptedServer({"dot": [*[None] * 5, *[quota] * 100]}) as server:
        outcomes = offered(server, 100, connections=1)
        assert statuses(outcomes) == {ACCEPTED: 5, DEFERRED: len(outcomes) - 5}
        assert len(outcomes) <= 7
        assert any(outcome.about_the_account for outcome in outcomes)


def test_a_message_whose_final_answer_is_lost_is_in_doubt_and_not_offered_again() -> None:
    with ScriptedServer({"dot": [None, Fault.DROP]}) as server:
        outcomes = offered(server, 3, connections=1)
        assert [o.status for o in outcomes[:2]] == [ACCEPTED, IN_DOUBT]
        assert recipients(server).count("r1@example.org") == 1


def test_a_message_written_ahead_is_deferred_if_the_connection_is_lost() -> None:
    with ScriptedServer({"dot": Fault.DROP}) as server:
        outcomes = offered(server, 2, connections=1)
        assert [outcome.status for outcome in outcomes] == [IN_DOUBT, DEFERRED]


def test_a_message_whose_content_was_cut_off_is_deferred() -> None:
    with ScriptedServer({"content": Fault.DROP}, receive_buffer=8192) as server:
        [outcome] = offered(server, data=b"a line of text\r\n" * 1_000_000)
    assert outcome.status is DEFERRED


def test_a_message_whose_content_the_server_does_not_read_is_deferred() -> None:
    with ScriptedServer({"content": Fault.SILENCE}, receive_buffer=8192) as server:
        [outcome] = offered(server, data=b"a line of text\r\n" * 1_000_000, timeout=PATIENCE)
    assert outcome.status is DEFERRED


def test_a_refusal_during_the_content_is_read_even_if_writing_fails() -> None:
    with ScriptedServer({"content": "552 5.3.4 too much"}, receive_buffer=8192) as server:
        [outcome] = offered(server, data=b"a line of text\r\n" * 1_000_000)
    assert (outcome.status, outcome.code) == (FAILED, 552)


@pytest.mark.parametrize("move", [SmtpSession.write, SmtpSession.exchange])
def test_an_answer_sent_before_the_server_hung_up_is_still_read(
    move: Callable[[SmtpSession], list[Outcome]],
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        session = SmtpSession(ours, server="x", pipelining=True, size_limit=0, timeout=1)
        session.take(envelope(1))
        session.write()
        theirs.recv(65_536)
        theirs.sendall(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        session.exchange()
        theirs.sendall(b"552 5.3.4 too much\r\n")
        theirs.close()
        [outcome] = move(session)
    assert (outcome.status, outcome.code) == (FAILED, 552)


def test_content_larger_than_all_buffers_is_still_delivered() -> None:
    data = b"a line of text\r\n" * 500_000
    with ScriptedServer(receive_buffer=65_536) as server:
        [outcome] = offered(server, data=data)
        assert outcome.status is ACCEPTED
        assert server.accepted[0].data == data


OPENINGS = [
    ({"greeting": "554 5.7.1 not you"}, "", "not you"),
    ({"greeting": "421 4.3.2 busy"}, "", "busy"),
    ({"greeting": GARBAGE}, "", "nonsense"),
    ({"greeting": Fault.DROP}, "", "hung up"),
    ({"greeting": Fault.SILENCE}, "", "did not answer"),
    ({"greeting": Fault.DRIP}, "", "did not answer"),
    ({"EHLO": "554 no", "HELO": "554 not you"}, "", "not you"),
    ({"EHLO": "451 no", "HELO": "451 busy"}, "", "busy"),
    ({"EHLO": Fault.DROP}, "", "hung up"),
    ({"EHLO": Fault.SILENCE}, "", "did not answer"),
    ({"EHLO": Fault.DRIP}, "", "did not answer"),
    ({"EHLO": GARBAGE, "HELO": GARBAGE}, "", "nonsense"),
    ({}, "?starttls=required", "STARTTLS"),
    ({"AUTH": "535 5.7.8 wrong"}, "user:secret", "wrong"),
    ({"AUTH": "454 4.7.0 later"}, "user:secret", "later"),
    ({"AUTH": GARBAGE}, "user:secret", "nonsense"),
    ({"AUTH": Fault.DROP}, "user:secret", "hung up"),
    ({"AUTH": Fault.SILENCE}, "user:secret", "did not answer"),
    ({"AUTH": Fault.DRIP}, "user:secret", "did not answer"),
]


@pytest.mark.parametrize(("script", "url", "said"), OPENINGS)
def test_a_session_that_cannot_be_opened_defers_one_envelope_and_takes_no_more(
    script: dict[str, Answer | list[Answer | None]], url: str, said: str
) -> None:
    todo = envelopes(5)
    with ScriptedServer(script, extensions=["AUTH PLAIN LOGIN"]) as server:
        address = f"smtp://127.0.0.1:{server.port}"
        address = address + url if url.startswith("?") else address.replace("//", f"//{url}@", 1)
        sending = mailer_to(address.replace("//@", "//"), timeout=PATIENCE)
        outcomes = list(sending.offer(todo))
        sending.close()
        assert server.accepted == []
    assert [(o.message, o.status, o.code) for o in outcomes] == [(0, DEFERRED, None)]
    assert said in outcomes[0].reason
    assert "Check" in outcomes[0].reason
    assert "secret" not in outcomes[0].reason
    assert len(list(todo)) == 4
