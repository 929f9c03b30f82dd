"""An account's limit postpones what it does not cover, and loses nothing."""

from datetime import timedelta

from nurture.clock import real_now
from nurture.domain.messages.status import MessageStatus
from nurture.domain.reasons import Code, Reason
from nurture.domain.scheduling.allowance import Allowance
from nurture.services.delivery.claim import Batch, claim_due
from nurture.store.tables.enrolments import enrolments, look_at_once, of_enrolments
from nurture.store.tables.message_changes import release_unoffered
from nurture.store.tables.messages import messages
from tests.installation import Installation
from tests.servers.smtp import SmtpSink

PEOPLE = ["p0@example.org", "p1@example.org", "p2@example.org"]


def claim_within(home: Installation, allowance: Allowance) -> Batch:
    """Claim what is due, as far as the account may send it."""
    context = home.context
    with context.database.writing() as connection:
        published = context.catalogue.current(connection)
        now = context.clock()
        return claim_due(connection, published, now, real_now(), 100, allowance=allowance)


def test_what_the_limit_does_not_cover_waits_until_it_is_renewed_and_is_sent_once(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    for address in PEOPLE:
        home.subscribe(address)
    tomorrow = home.clock.now + timedelta(days=1)
    batch = claim_within(home, Allowance(1, tomorrow))
    assert (batch.looked_at, len(batch.claimed)) == (3, 1)
    assert [row["status"] for row in home.rows(messages)] == [MessageStatus.CLAIMED]
    looks = [row["next_look_at"] for row in home.rows(enrolments)]
    assert sorted(looks, key=str) == [tomorrow, tomorrow, None]
    waiting = [row["guide_wanted"] for row in home.rows(enrolments) if row["next_look_at"]]
    assert waiting == [True, True]
    with home.context.database.writing() as connection:
        [claimed] = batch.claimed
        assert (
            len(release_unoffered(connection, batch.claim.name, [], Reason(Code.ACCOUNT_AT_LIMIT)))
            == 1
        )
        look_at_once(connection, of_enrolments([claimed.due.id]), home.clock.now)
    assert home.deliver() == 1
    home.clock.set(tomorrow - timedelta(minutes=1))
    assert home.deliver() == 0
    home.clock.set(tomorrow)
    assert home.deliver() == 2
    assert sorted(mail.recipients[0] for mail in smtp_sink.mails) == PEOPLE


def test_a_limit_that_is_used_up_claims_nothing_and_ends_nothing(home: Installation) -> None:
    for address in PEOPLE:
        home.subscribe(address)
    tomorrow = home.clock.now + timedelta(days=1)
    assert claim_within(home, Allowance(0, tomorrow)).claimed == []
    assert home.rows(messages) == []
    assert {row["status"] for row in home.rows(enrolments)} == {"active"}
    assert {row["next_look_at"] for row in home.rows(enrolments)} == {tomorrow}


def test_without_a_limit_everything_that_is_due_is_claimed(home: Installation) -> None:
    for address in PEOPLE:
        home.subscribe(address)
    assert len(claim_within(home, Allowance()).claimed) == 3
