"""Repairing the effects of a past quota: nobody stays suppressed, and requested emails arrive."""

from datetime import timedelta

from click.testing import CliRunner
from sqlalchemy import update

from nurture.domain.messages.status import MessageStatus
from nurture.domain.subscribers.consent import Evidence
from nurture.services.account import repair
from nurture.services.subscribers import preferences
from nurture.store.tables.messages import messages
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation
from tests.installations import ScriptedSink

PEOPLE = [f"p{n}@example.org" for n in range(4)]
HOURLY = "127.0.0.1:25 refused the address: 550 Domain x has exceeded the max emails per hour"
DAILY = "127.0.0.1:25 refused the message: 550 5.4.5 Daily user sending limit exceeded"
NOBODY = "127.0.0.1:25 refused the address: 550 5.1.1 User unknown"


def give_up(home: Installation, address: str, reason: str) -> None:
    """Leave a person as earlier versions did after an answer about the account."""
    from nurture.services.delivery.refusals import note_bounce
    from nurture.services.subscribers.suppression import suppress_address
    from nurture.store.tables import enrolments as store
    from nurture.store.tables.messages import find_message

    person = home.person(address)
    number = home.messages_of(address)[0]["id"]
    with home.context.database.writing() as connection:
        connection.execute(
            update(messages)
            .where(messages.c.id == number)
            .values(status=MessageStatus.FAILED, reason=reason, code=550, accepted_at=None)
        )
        message, now = find_message(connection, number), home.clock.now
        assert message is not None
        if "refused the address" in reason:
            suppress_address(connection, person["id"], person["address_hash"], reason, now)
            note_bounce(connection, message, reason, 550, now)
        store.look_at_once(connection, store.of_subscriber(person["id"]), home.clock.now)


def some_given_up(home: Installation, smtp_sink: ScriptedSink) -> None:
    for address in PEOPLE:
        home.subscribe(address)
    home.deliver()
    smtp_sink.mails.clear()
    for address, reason in zip(PEOPLE, (HOURLY, DAILY, NOBODY), strict=False):
        give_up(home, address, reason)
    home.clock.advance(timedelta(days=1))
    home.deliver()


def test_a_person_given_up_because_of_a_quota_gets_the_guide_after_all(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    some_given_up(home, smtp_sink)
    wronged = repair.find_wronged(home.context.database)
    assert [one.address for one in wronged] == PEOPLE[:2]
    context = home.context
    done = repair.put_right(context.database, context.catalogue, wronged, home.clock.now)
    assert (done.restored, done.offered) == (1, 2)
    home.live(days=4)
    assert {to for mail in smtp_sink.mails for to in mail.recipients} >= set(PEOPLE[:2])
    guides = [m for m in smtp_sink.mails if m.recipients[0] in PEOPLE[:2]]
    assert len({(m.recipients, str(m.message["Subject"])) for m in guides}) == len(guides)
    assert len(home.rows(suppressions)) == 1
    assert repair.find_wronged(context.database) == []


def test_a_genuinely_refused_address_stays_suppressed(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    some_given_up(home, smtp_sink)
    context = home.context
    wronged = repair.find_wronged(context.database)
    repair.put_right(context.database, context.catalogue, wronged, home.clock.now)
    home.live(days=4)
    assert smtp_sink.mails_to(PEOPLE[2]) == []
    assert home.enrolment(PEOPLE[2])["status"] == "suppressed"


def test_a_repair_does_not_undo_an_unsubscribe(home: Installation, smtp_sink: ScriptedSink) -> None:
    some_given_up(home, smtp_sink)
    context, number = home.context, home.person(PEOPLE[1])["id"]
    preferences.unsubscribe(
        context.database, context.catalogue, number, None, Evidence(), home.clock.now
    )
    wronged = repair.find_wronged(context.database)
    repair.put_right(context.database, context.catalogue, wronged, home.clock.now)
    home.live(days=4)
    assert smtp_sink.mails_to(PEOPLE[1]) == []


def test_the_repair_finds_people_by_the_servers_own_words(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    some_given_up(home, smtp_sink)
    found = repair.find_wronged(home.context.database, "user unknown")
    assert [one.address for one in found] == PEOPLE[:3]


def test_the_repair_command_previews_before_changing_anything(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    from nurture.cli import main

    some_given_up(sqlite_home, smtp_sink)
    before = sqlite_home.everything()
    run = CliRunner(env=sqlite_home.environment).invoke(main, ["repair-quota", "--dry-run"])
    assert run.exit_code == 0, run.output
    assert PEOPLE[0] in run.output and PEOPLE[2] not in run.output
    assert sqlite_home.everything() == before
    run = CliRunner(env=sqlite_home.environment).invoke(main, ["repair-quota", "--yes"])
    assert "emailed again: 1. Emails sent again: 2" in run.output
