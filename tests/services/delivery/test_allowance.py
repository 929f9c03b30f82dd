"""The account's limits: never exceeded by any worker; requests first; nothing is lost."""

from collections import Counter
from datetime import timedelta

import pytest

from nurture.clock import real_now
from nurture.domain.messages.status import MessageStatus
from nurture.domain.scheduling.allowance import Allowance
from nurture.services.delivery.claim import Batch, claim_due
from nurture.services.delivery.recovery import recover_silent
from nurture.services.delivery.sweep import batches_due
from nurture.store.tables.account_limits import find_account
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.servers.smtp import SmtpSink
from tests.vocabulary import (
    ACCEPTED,
    ANN,
    DEFERRED,
    IN_DOUBT,
    claim_and_begin,
    hang_up_after_the_dot,
    on_the_way_to_the_first_article,
)

PEOPLE = [f"p{n}@example.org" for n in range(30)]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def limited(home: Installation, **limits: str) -> None:
    """Let every process from now on know of these limits of the account."""
    home.close()
    home.settings = {f"NURTURE_LIMIT_{name.upper()}": number for name, number in limits.items()}
    home.__dict__.pop("context", None)


def claim_within(home: Installation, allowance: Allowance) -> Batch:
    """Claim what is due, as far as the account may send it."""
    context = home.context
    with context.database.writing() as connection:
        published = context.catalogue.current(connection)
        now = context.clock()
        return claim_due(connection, published, now, real_now(), 100, allowance=allowance)


def waiting_since(home: Installation) -> object:
    """Return since when due emails have been waiting for the account."""
    with home.context.database.reading() as connection:
        return find_account(connection).waiting_since


def test_what_the_account_may_not_send_is_left_untouched(home: Installation) -> None:
    for address in PEOPLE[:3]:
        home.subscribe(address)
    before = home.rows(enrolments)
    batch = claim_within(home, Allowance(0, 1))
    assert (len(batch.claimed), batch.is_full, batch.leaves_some_waiting) == (1, False, True)
    assert home.rows(enrolments)[1:] == before[1:]
    assert [row["status"] for row in home.rows(messages)] == [MessageStatus.CLAIMED]
    nothing = claim_within(home, Allowance(0, 0))
    assert (nothing.looked_at, nothing.claimed) == (0, [])
    assert home.rows(enrolments)[1:] == before[1:]


def test_no_more_leave_in_an_hour_than_the_limit_and_the_oldest_leave_first(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    limited(home, hour="12")
    for address in PEOPLE:
        home.subscribe(address)
        home.clock.advance(timedelta(seconds=1))
    assert [home.deliver() for _ in range(3)] == [12, 0, 0]
    home.clock.advance(HOUR - timedelta(seconds=1))
    assert home.deliver() == 0
    assert batches_due(home.context.dispatch) == 0
    home.clock.advance(timedelta(seconds=2))
    assert home.deliver() == 12
    home.clock.advance(HOUR + MINUTE)
    assert home.deliver() == 6
    left = [mail.recipients[0] for mail in smtp_sink.mails]
    assert [sorted(left[:12]), sorted(left[12:24]), sorted(left[24:])] == [
        sorted(PEOPLE[:12]),
        sorted(PEOPLE[12:24]),
        sorted(PEOPLE[24:]),
    ]


def test_the_reserve_is_for_guides_while_the_series_waits(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    on_the_way_to_the_first_article(home, *PEOPLE)
    limited(home, hour="24")
    before = len(smtp_sink.mails)
    assert home.deliver() == 14
    assert waiting_since(home) == home.clock.now
    home.subscribe(ANN)
    assert batches_due(home.context.dispatch) == 1
    assert home.deliver() == 1
    assert smtp_sink.mails[-1].recipients[0] == ANN
    assert len(smtp_sink.mails) - before == 15


def test_two_workers_never_exceed_the_limit_together(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    limited(home, hour="20")
    for address in PEOPLE:
        home.subscribe(address)
    first = claim_and_begin(home)  # This worker knows of no limit, and dies while sending.
    assert first
    assert home.deliver() == 0


def test_an_email_in_doubt_counts_and_one_refused_before_the_dot_does_not(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    limited(home, hour="12")
    for address in PEOPLE[:6]:
        smtp_sink.refuse(address, "450 4.2.1 Try again later")
    for address in PEOPLE[:10]:
        home.subscribe(address)
    hang_up_after_the_dot(smtp_sink)
    home.deliver()
    became = Counter(row["status"] for row in home.rows(messages))
    assert became[IN_DOUBT] == 1
    assert became[DEFERRED] >= 6
    for address in PEOPLE[10:]:
        home.subscribe(address)
    assert home.deliver() == 12 - became[ACCEPTED] - became[IN_DOUBT]
    assert home.deliver() == 0


def test_what_a_killed_worker_had_in_hand_counts_until_it_is_known(
    home: Installation, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(home, hour="10")
    for address in PEOPLE[:8]:
        home.subscribe(address)
    claim_and_begin(home)
    home.subscribe(ANN)
    for address in PEOPLE[8:]:
        home.subscribe(address)
    assert home.deliver() == 2
    context = home.context
    with context.database.writing() as connection:
        stale = real_now() - timedelta(minutes=10)
        connection.execute(messages.update().values(lease_until=stale))
    assert recover_silent(context.database, context.logbooks, home.clock.now) == 8
    assert home.deliver() == 0
    home.clock.advance(HOUR + MINUTE)
    assert home.deliver() == 10


def test_waiting_for_the_account_ends_when_nothing_waits(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    on_the_way_to_the_first_article(home, *PEOPLE[:6])
    limited(home, hour="10")
    home.deliver()
    assert waiting_since(home) is not None
    home.clock.advance(HOUR + MINUTE)
    home.deliver()
    assert waiting_since(home) is None


def test_each_number_can_be_set_and_lifted(home: Installation, smtp_sink: SmtpSink) -> None:
    for address in PEOPLE:
        home.subscribe(address)
    limited(home, minute="7", hour="none")
    assert home.deliver() == 7
    home.clock.advance(MINUTE + timedelta(seconds=1))
    assert home.deliver() == 7
    limited(home)
    assert home.deliver() == 16
