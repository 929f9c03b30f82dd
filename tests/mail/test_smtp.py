"""What sending through a mail server promises, tested with misbehaving servers."""

import os
import time
from collections.abc import Iterator
from itertools import islice

import pytest

from nurture.mail.mailer import Envelope, Outcome
from nurture.mail.smtp import connections
from nurture.mail.smtp.sending import USUAL_CONNECTIONS
from tests.mail.offering import (
    ACCEPTED,
    DATA,
    DEFERRED,
    FAILED,
    PATIENCE,
    envelope,
    envelopes,
    mailer,
    mailer_to,
    offered,
    recipients,
    statuses,
)
from tests.mail.scripted_server import GARBAGE, Answer, Fault, ScriptedServer
from tests.presence import at_least_one
from tests.servers.smtp import SmtpSink


def test_an_unreachable_server_is_named_with_the_setting_to_check() -> None:
    with ScriptedServer() as server:
        gone = server.url
    [outcome] = mailer_to(gone).offer(envelopes(1))
    assert outcome.status is DEFERRED
    assert gone.removeprefix("smtp://") in outcome.reason
    assert "NURTURE_SMTP_URL" in outcome.reason


def test_no_connection_is_opened_if_there_is_nothing_to_send() -> None:
    with ScriptedServer() as server:
        assert offered(server, 0) == []
        assert server.visits == []


def test_repeatedly_failing_sessions_end_the_offer() -> None:
    todo = envelopes(50)
    with ScriptedServer({"MAIL": Fault.DROP}) as server:
        sending = mailer(server)
        outcomes = list(sending.offer(todo))
        sending.close()
    assert statuses(outcomes).keys() == {DEFERRED}
    assert len(outcomes) + len(list(todo)) == 50
    assert len(outcomes) < 20


def test_occasionally_failing_sessions_do_not_end_the_offer() -> None:
    now_and_then: list[Answer | None] = [Fault.DROP, None, Fault.DROP]
    with ScriptedServer({"MAIL": now_and_then * 5}, pipelining=False) as server:
        outcomes = offered(server, 15, connections=1)
        assert [o.status for o in outcomes] == [DEFERRED, ACCEPTED, DEFERRED] * 5


def test_one_failing_session_does_not_end_the_offer() -> None:
    with ScriptedServer({"DATA": [None, None, Fault.DROP]}) as server:
        outcomes = offered(server, 30)
        assert len(outcomes) == 30
        assert statuses(outcomes)[ACCEPTED] >= 28
        assert len(recipients(server)) == statuses(outcomes)[ACCEPTED]


def test_a_server_without_pipelining_is_never_sent_commands_ahead() -> None:
    with ScriptedServer(pipelining=False) as server:
        assert statuses(offered(server, 6, connections=1)) == {ACCEPTED: 6}
        [visit] = server.visits
        assert all(
            arrival.count(b"\r\n") == 1
            for arrival in at_least_one(visit.arrivals)
            if b":" not in arrival
        )
        assert not any(b"MAIL" in a and b"RCPT" in a for a in at_least_one(visit.arrivals))


def test_a_message_costs_one_round_trip_with_pipelining() -> None:
    with ScriptedServer() as server:
        assert statuses(offered(server, 10, connections=1)) == {ACCEPTED: 10}
        [visit] = server.visits
        assert len(visit.arrivals) == len(["EHLO", "first commands"]) + 10 + len(["QUIT"])


def test_the_server_receives_exactly_what_was_sent() -> None:
    with ScriptedServer() as server:
        offered(server, 3)
        assert {accepted.data for accepted in server.accepted} == {DATA}
        assert {accepted.sender for accepted in server.accepted} == {"paul@example.org"}


def test_an_independent_server_receives_thousands_of_lines_byte_for_byte(
    smtp_sink: SmtpSink,
) -> None:
    data = b"Subject: dots\r\n\r\n" + b"".join(b"." * (n % 5) + b"line\r\n" for n in range(2000))
    smtp_sink.refuse("r3@example.org")
    smtp_sink.greylist("r5@example.org")
    sending = mailer(smtp_sink)
    outcomes = {outcome.message: outcome for outcome in sending.offer(envelopes(40, data))}
    sending.close()
    assert statuses(list(outcomes.values())) == {ACCEPTED: 38, FAILED: 1, DEFERRED: 1}
    assert outcomes[3].address_refused
    assert outcomes[5].code == 451
    assert {mail.data for mail in smtp_sink.mails} == {data}
    assert len({mail.recipients for mail in smtp_sink.mails}) == 38


def test_a_421_in_reply_to_quit_changes_nothing() -> None:
    with ScriptedServer({"QUIT": "421 4.3.2 going down"}) as server:
        assert statuses(offered(server, 3)) == {ACCEPTED: 3}


def test_a_server_that_never_answers_quit_holds_nobody_for_long() -> None:
    with ScriptedServer({"QUIT": Fault.DROP}) as server:
        assert statuses(offered(server, 3)) == {ACCEPTED: 3}


def test_a_421_between_messages_moves_the_rest_to_a_new_session() -> None:
    script: dict[str, Answer | list[Answer | None]] = {
        "MAIL": [None, None, "421 4.7.0 enough for now"]
    }
    with ScriptedServer(script) as server:
        outcomes = offered(server, 6, connections=1)
        assert [o.status for o in outcomes] == [ACCEPTED] * 6
        assert len(set(recipients(server))) == 6
        assert len(server.visits) == 2


def test_several_connections_share_the_waiting_time() -> None:
    with ScriptedServer(delay=0.02) as server:
        before = time.monotonic()
        assert statuses(offered(server, 64)) == {ACCEPTED: 64}
        assert time.monotonic() - before < 64 * 0.02 / 2
        assert 4 <= len(server.visits) <= 8


def test_one_message_opens_one_connection() -> None:
    with ScriptedServer() as server:
        offered(server, 1)
        assert len(server.visits) == 1


def test_a_distant_server_gets_more_connections_than_usual() -> None:
    with ScriptedServer(delay=0.03) as server:
        assert statuses(offered(server, 600, connections=40)) == {ACCEPTED: 600}
        assert USUAL_CONNECTIONS < len(server.visits) <= 40


def test_a_server_that_allows_few_connections_gets_few() -> None:
    with ScriptedServer(at_once=2, delay=0.002) as server:
        outcomes = offered(server, 40)
        assert statuses(outcomes) == {ACCEPTED: 40}
        assert len(server.visits) < 8


def test_envelopes_are_taken_only_as_they_can_be_offered() -> None:
    pulled: list[int] = []

    def watched() -> Iterator[Envelope]:
        for number in range(60):
            pulled.append(number)
            yield envelope(number)

    with ScriptedServer(delay=0.001) as server:
        sending = mailer(server, connections=3)
        in_hand, just_known = 1, 3
        for known, _ in at_least_one(enumerate(sending.offer(watched()), 1)):
            assert len(pulled) - known <= 2 * 3 + in_hand + just_known
        sending.close()


def test_a_connection_is_replaced_after_a_set_number_of_messages() -> None:
    with ScriptedServer() as server:
        outcomes = offered(server, 25, connections=1, messages_per_connection=10)
        assert statuses(outcomes) == {ACCEPTED: 25}
        mails = [sum(c.startswith("MAIL") for c in visit.commands) for visit in server.visits]
        assert mails == [10, 10, 5]
        assert [visit.commands[-1] for visit in server.visits] == ["QUIT"] * 3


def test_connections_are_reused_from_one_offer_to_the_next() -> None:
    with ScriptedServer() as server:
        sending = mailer(server)
        for number in range(4):
            assert [o.status for o in sending.offer(iter([envelope(number)]))] == [ACCEPTED]
        sending.close()
        assert len(server.visits) == 1


def test_a_kept_connection_that_died_loses_nothing() -> None:
    with ScriptedServer() as server:
        sending = mailer(server)
        list(sending.offer(envelopes(1)))
        server.hang_up()
        assert statuses(list(sending.offer(envelopes(3)))) == {ACCEPTED: 3}
        sending.close()
        assert len(server.accepted) == 4


def test_a_late_connection_that_died_loses_nothing() -> None:
    with ScriptedServer(late_greeting=0.02) as server:
        sending = mailer(server, connections=2)
        assert statuses(list(sending.offer(envelopes(2)))) == {ACCEPTED: 2}
        time.sleep(0.06)
        server.hang_up()
        assert statuses(list(sending.offer(envelopes(6)))) == {ACCEPTED: 6}
        sending.close()


def test_a_kept_connection_closed_with_421_loses_nothing() -> None:
    with ScriptedServer() as server:
        sending = mailer(server)
        list(sending.offer(envelopes(1)))
        server.say("421 4.4.2 idle too long")
        assert statuses(list(sending.offer(envelopes(3)))) == {ACCEPTED: 3}
        sending.close()


@pytest.mark.parametrize(
    "death", [Fault.DROP, Fault.SILENCE, "421 4.4.2 idle too long", GARBAGE], ids=str
)
def test_an_envelope_that_met_a_dead_connection_is_offered_on_a_new_one(
    death: Answer,
) -> None:
    with ScriptedServer({"MAIL": [None, death]}) as server:
        sending = mailer(server, timeout=PATIENCE)
        list(sending.offer(envelopes(1)))
        assert [o.status for o in sending.offer(iter([envelope(1)]))] == [ACCEPTED]
        sending.close()
        assert recipients(server) == ["r0@example.org", "r1@example.org"]
        assert len(server.visits) == 2


def test_a_connection_kept_too_long_is_not_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "FRESH_SECONDS", 0.0)
    with ScriptedServer() as server:
        sending = mailer(server)
        for number in range(2):
            list(sending.offer(iter([envelope(number)])))
        sending.close()
        assert [visit.commands[-1] for visit in server.visits] == ["QUIT", "QUIT"]


def test_one_worker_does_not_occupy_the_few_connections_another_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "FRESH_SECONDS", 0.1)
    with ScriptedServer(at_once=3, delay=0.002) as server:
        one, another = mailer(server), mailer(server)
        assert statuses(list(one.offer(envelopes(100)))) == {ACCEPTED: 100}
        began = time.monotonic()
        while server.open_now and time.monotonic() - began < 5:
            time.sleep(0.01)
        assert statuses(list(another.offer(envelopes(1)))) == {ACCEPTED: 1}


def test_a_forked_child_does_not_use_its_parents_connections() -> None:
    with ScriptedServer() as server:
        sending = mailer(server)
        list(sending.offer(iter([envelope(0)])))
        child = os.fork()
        if child == 0:
            fine = [o.status for o in sending.offer(iter([envelope(1)]))] == [ACCEPTED]
            sending.close()
            os._exit(0 if fine else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert [o.status for o in sending.offer(iter([envelope(2)]))] == [ACCEPTED]
        sending.close()
        mails = [[c for c in v.commands if c.startswith("RCPT")] for v in server.visits]
        assert mails == [
            ["RCPT TO:<r0@example.org>", "RCPT TO:<r2@example.org>"],
            ["RCPT TO:<r1@example.org>"],
        ]


def test_an_abandoned_offer_leaves_no_session_half_finished() -> None:
    with ScriptedServer() as server:
        sending = mailer(server, connections=1)
        abandoned = sending.offer(envelopes(20))
        assert len(list(islice(abandoned, 3))) == 3
        abandoned.close()  # type: ignore[attr-defined]
        assert [o.status for o in sending.offer(iter([envelope(99)]))] == [ACCEPTED]
        sending.close()
        assert all(visit.complaints == [] for visit in at_least_one(server.visits))


def test_a_callers_error_is_raised_once_every_started_message_is_settled() -> None:
    def troubled() -> Iterator[Envelope]:
        yield from envelopes(5)
        raise LookupError("the database is away")

    outcomes: list[Outcome] = []
    with ScriptedServer() as server:
        sending = mailer(server)
        with pytest.raises(LookupError, match="the database is away"):
            outcomes.extend(sending.offer(troubled()))
            raise AssertionError
        sending.close()
        assert len(server.accepted) == 5


def test_an_address_no_mail_server_accepts_is_refused_without_contacting_one() -> None:
    with ScriptedServer() as server:
        bad = ["jürgen@example.org", "a b@example.org", "a>\r\nDATA", "a\r\n@example.org", ""]
        todo = [Envelope(n, "paul@example.org", address, DATA) for n, address in enumerate(bad)]
        outcomes = list(mailer(server).offer(iter(todo)))
        assert server.visits == []
    assert [(o.status, o.address_refused) for o in outcomes] == [(FAILED, True)] * len(bad)
    assert all(outcome.reason for outcome in at_least_one(outcomes))


def test_an_unusable_sender_address_suppresses_no_recipient() -> None:
    with ScriptedServer() as server:
        todo = [Envelope(1, "paul <paul@example.org>", "a@example.org", DATA)]
        [outcome] = mailer(server).offer(iter(todo))
    assert (outcome.status, outcome.about_the_account) == (DEFERRED, True)


def test_a_message_over_the_servers_limit_fails_without_being_offered() -> None:
    with ScriptedServer(extensions=["SIZE 1000"]) as server:
        todo = [envelope(0), envelope(1, b"a" * 1000 + b"\r\n"), envelope(2)]
        sending = mailer(server)
        outcomes = {o.message: o for o in sending.offer(iter(todo))}
        sending.close()
        assert len(server.accepted) == 2
    assert outcomes[1].status is FAILED
    assert not outcomes[1].address_refused
    assert "1,000" in outcomes[1].reason
