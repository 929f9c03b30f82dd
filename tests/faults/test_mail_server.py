"""Whatever the mail server does, the ledger records exactly what is known and acts on it alone."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

import pytest

from nurture.domain.messages.status import MessageStatus
from nurture.mail.smtp.sending import SmtpMailer, SmtpRoute
from nurture.services.delivery import batch
from nurture.store.tables import account
from nurture.store.tables.enrolments import enrolments, look_at, of_enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.suppressions import suppressions
from tests.faults.oracle import PIPELINING, Fault, Oracle
from tests.faults.population import due_for_an_article
from tests.faults.verdict import verdict
from tests.installation import Installation
from tests.vocabulary import FIRST

ACCEPTED, DEFERRED = MessageStatus.ACCEPTED, MessageStatus.DEFERRED
FAILED, IN_DOUBT = MessageStatus.FAILED, MessageStatus.IN_DOUBT

#: The mail server was away, or it answered that it will take the message later.
AWAY, LATER = timedelta(minutes=1), timedelta(minutes=5)

#: What waits for the account stays due.
AT_ONCE = timedelta(0)

#: What the mail server may take over one answer here, in seconds.
PATIENCE = 0.2

TRY_AGAIN, NEVER = "451 4.3.0 Try again", "554 5.6.0 Never"
BEFORE_THE_DOT = ("MAIL", "RCPT", "DATA")
AFTER_THE_DOT = ("dot", "taken")
ANSWERED = ("MAIL", "RCPT", "DATA", "dot")


@dataclass(frozen=True)
class Expected:
    """What the ledger must record, and how soon the enrolment is looked at again."""

    status: MessageStatus
    code: int | None = None
    look_after: timedelta | None = None


@dataclass(frozen=True)
class Case:
    """A fault, and the expected outcome for the message that meets it."""

    name: str
    fault: Fault
    expected: Expected
    extensions: Sequence[str] = PIPELINING


def cases() -> Iterator[Case]:
    """Yield every fault at every stage at which it can be shown."""
    yield from _at_the_start()
    for stage in BEFORE_THE_DOT:
        for do in ("drop", "silence", "garbage", "drip"):
            yield _case(stage, do, Expected(DEFERRED, None, AWAY))
    for stage in AFTER_THE_DOT:
        for do in ("drop", "silence", "garbage", "drip"):
            yield _case(stage, do, Expected(IN_DOUBT))
    for stage in ANSWERED:
        yield _case(stage, TRY_AGAIN, Expected(DEFERRED, 451, LATER))
        yield _case(stage, "421 4.3.2 Going down", Expected(DEFERRED, 421, LATER))
        about_us = stage == "MAIL"  # Nobody has been named yet, so the account waits.
        refused = Expected(DEFERRED, 554, AT_ONCE) if about_us else Expected(FAILED, 554)
        yield _case(stage, NEVER, refused)
    yield _case("RCPT", "550 5.1.1 No such user", Expected(FAILED, 550))
    for answer in ("421 4.3.2 Going down", "drop", "silence", "garbage"):
        yield _case("QUIT", answer, Expected(ACCEPTED, 250))


def _at_the_start() -> Iterator[Case]:
    for stage in ("greeting", "EHLO"):
        for answer in ("drop", "silence", "garbage", "421 4.3.2 Too busy", NEVER):
            yield _case(stage, answer, Expected(DEFERRED, None, AWAY))
    for answer in ("454 4.7.0 Not available", "drop", "garbage"):
        case = _case("STARTTLS", answer, Expected(DEFERRED, None, AWAY))
        yield replace(case, extensions=("STARTTLS", *PIPELINING))


def _case(stage: str, answer: str, expected: Expected) -> Case:
    worded = answer[:3].isdigit()
    fault = Fault(stage, "answer" if worded else answer, answer if worded else "")
    return Case(f"{answer} at {stage}", fault, expected)


CASES = list(cases())


def offer_one(home: Installation, case: Case) -> None:
    """Let one worker offer one message to the mail server, over its own connection."""
    wish = "required" if "STARTTLS" in case.extensions else "never"
    route = SmtpRoute.from_url(f"{home.smtp_url}?starttls={wish}")
    mailer = SmtpMailer(route, timeout=PATIENCE)
    batch.deliver_batch(replace(home.context.dispatch, mailer=mailer, batch=1))
    mailer.close()


def open_account(home: Installation) -> None:
    """Let the next fault meet an account that accepts email, and a message of its own."""
    waiting = home.rows(messages)[-1]["enrolment_id"]
    with home.context.database.writing() as connection:
        if account.find_hold(connection):
            later = home.clock.now + LATER
            look_at(connection, of_enrolments([waiting]), later)
        account.drop_hold(connection)
        account.forget_refusals(connection)


def as_recorded(home: Installation) -> Expected:
    """Return the ledger's record of the message that was claimed last."""
    message = home.rows(messages)[-1]
    [enrolment] = [e for e in home.rows(enrolments) if e["id"] == message["enrolment_id"]]
    look = enrolment["next_look_at"] and enrolment["next_look_at"] - home.clock.now
    status = MessageStatus(message["status"])
    return Expected(status, message["code"], look if status is DEFERRED else None)


@pytest.mark.parametrize("pipelining", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_every_fault_at_every_stage_records_exactly_what_is_known(
    full_home: Installation, oracle: Oracle, pipelining: bool
) -> None:
    home = full_home
    addresses = due_for_an_article(home, len(CASES))
    found = {}
    for case in CASES:
        oracle.offer_extensions(*(e for e in case.extensions if pipelining or e != "PIPELINING"))
        oracle.show(case.fault)
        offer_one(home, case)
        found[case.name] = as_recorded(home)
        open_account(home)
    assert found == {case.name: case.expected for case in CASES}
    assert len(home.rows(suppressions)) == 1

    oracle.behave()
    before = {row["id"]: row["status"] for row in home.rows(messages)}
    home.live(hours=20)
    after = {row["id"]: row["status"] for row in home.rows(messages) if row["id"] in before}
    assert after == {
        number: ACCEPTED if status == DEFERRED else status for number, status in before.items()
    }
    judged = verdict(home, oracle, addresses, FIRST)
    assert judged.faultless, judged
    assert len(judged.in_doubt) == len(AFTER_THE_DOT) * 4


def test_an_unreachable_server_is_retried_every_minute(
    sqlite_home: Installation, oracle: Oracle
) -> None:
    home = sqlite_home
    addresses = due_for_an_article(home, 3)
    oracle.stop_listening()
    home.deliver()
    assert as_recorded(home) == Expected(DEFERRED, None, AWAY)
    home.live(minutes=10)
    assert Counter(row["status"] for row in home.rows(messages)) == {ACCEPTED: 1, DEFERRED: 3}
    oracle.listen_again()
    home.live(minutes=2)
    judged = verdict(home, oracle, addresses, FIRST)
    assert judged.faultless and not judged.waiting, judged


def test_a_server_that_defers_a_message_is_retried_at_growing_intervals(
    sqlite_home: Installation, oracle: Oracle
) -> None:
    home = sqlite_home
    due_for_an_article(home, 1)
    oracle.show(Fault("RCPT", text=TRY_AGAIN))
    asked = []
    for _ in range(9):
        home.deliver()
        asked.append(home.clock.now)
        look = home.next_look()
        assert look is not None
        home.clock.set(look)
    pauses = [int((later - earlier) / timedelta(minutes=1)) for earlier, later in pairwise(asked)]
    assert pauses[:7] == [5, 10, 20, 40, 80, 160, 320]
    assert home.rows(messages)[-1]["status"] == DEFERRED


def test_a_refused_recipient_does_not_affect_the_others(
    sqlite_home: Installation, oracle: Oracle
) -> None:
    home = sqlite_home
    addresses = due_for_an_article(home, 30)
    oracle.show(
        Fault("RCPT", text=NEVER, only=addresses[3]),
        Fault("RCPT", text=TRY_AGAIN, only=addresses[5]),
        Fault("taken", "drop", only=addresses[7]),
    )
    home.deliver()
    oracle.behave()
    home.live(hours=8)
    judged = verdict(home, oracle, addresses, FIRST)
    assert judged.faultless, judged
    assert judged.in_doubt == [addresses[7]]
    assert judged.accepted == 28
