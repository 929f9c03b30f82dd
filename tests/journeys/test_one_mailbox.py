"""Stories of one mailbox with several spellings, on a moved clock and through HTTP."""

import json
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import delete, update

from nurture.archive.journal import WithdrawalLine
from nurture.domain.subscribers.consent import Evidence
from nurture.domain.tracking.events import EventKind
from nurture.services.backup.replay import Replayer
from nurture.services.imports.own import restore_people
from nurture.services.keys.mailboxes import know_mailboxes
from nurture.services.keys.mark import accept_keys
from nurture.services.subscribers import erasure
from nurture.services.subscribers.on_behalf import stop_everything
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import find_suppression, standing_of, suppressions
from nurture.store.tables.withdrawals import withdrawals
from tests.installation import Installation, link_in
from tests.installations import ScriptedSink
from tests.journeys.steps import collect, sign_up
from tests.vocabulary import news, tell

ANNA, TAGGED, DOTTED = "anna.bell@gmail.com", "annabell+news@gmail.com", "a.nnabell@googlemail.com"
SPELLINGS = (ANNA, TAGGED, DOTTED)
STRANGERS = ("anna@example.org", "anna+x@example.org")
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def one_click(home: Installation, smtp_sink: ScriptedSink, address: str) -> None:
    """Press the button of a mailbox provider on the newest email to an address."""
    mail = smtp_sink.mails_to(address)[-1]
    target = urlsplit(str(mail.message["List-Unsubscribe"]).strip("<>"))
    assert home.client.post(f"{target.path}?{target.query}", data=ONE_CLICK).status_code == 200


def complain(home: Installation, smtp_sink: ScriptedSink, address: str) -> None:
    """Report, as the provider, that the newest email was called spam."""
    message = home.messages_of(address)[-1]["id"]
    kind, at = EventKind.COMPLAINED, home.clock.now
    tell(home, [news(home, kind, at, address=address, message=message)])


def stop_in_studio(home: Installation, smtp_sink: ScriptedSink, address: str) -> None:
    """Stop everything for a person who asked by telephone."""
    person, stored = home.person(address)["id"], home.context.stored
    stop_everything(*stored, person, Evidence(), home.clock.now)


def erase(home: Installation, smtp_sink: ScriptedSink, address: str) -> None:
    """Erase a person."""
    context, person = home.context, home.person(address)["id"]
    assert erasure.forget(context.database, context.files, person, home.clock.now)


def is_stopped(home: Installation, address: str) -> bool:
    """Return whether a person is suppressed, however the program asks."""
    person, context = home.person(address), home.context
    with context.database.reading() as connection:
        asked = find_suppression(connection, person["address_hash"])
        in_batch = standing_of(connection, [person["id"]])
    assert (asked is None) is (in_batch == {})
    return asked is not None


def start(home: Installation, smtp_sink: ScriptedSink, *addresses: str) -> None:
    """Sign up under each spelling, a day apart, and collect each guide."""
    for address in addresses:
        sign_up(home, address)
        collect(home, smtp_sink, address)
        home.clock.advance(timedelta(days=1, minutes=1))


@pytest.mark.parametrize("refuse", [one_click, complain, stop_in_studio, erase])
@pytest.mark.parametrize("who", [0, 1], ids=["plain", "tagged"])
def test_a_refusal_by_any_spelling_stops_every_spelling(
    home: Installation, smtp_sink: ScriptedSink, who: int, refuse: object
) -> None:
    assert callable(refuse)
    mine, other = SPELLINGS[who], SPELLINGS[1 - who]
    start(home, smtp_sink, mine, other, STRANGERS[0])
    refuse(home, smtp_sink, mine)
    assert is_stopped(home, other)
    assert not is_stopped(home, STRANGERS[0])
    before = len(smtp_sink.mails_to(mine)), len(smtp_sink.mails_to(other))
    sign_up(home, DOTTED)
    home.live(days=40)
    assert (len(smtp_sink.mails_to(mine)), len(smtp_sink.mails_to(other))) == before
    assert smtp_sink.mails_to(DOTTED) == []
    assert len(smtp_sink.mails_to(STRANGERS[0])) > 2


def test_a_bounce_stops_only_its_own_spelling(home: Installation, smtp_sink: ScriptedSink) -> None:
    start(home, smtp_sink, ANNA, TAGGED)
    message, at = home.messages_of(TAGGED)[-1]["id"], home.clock.now
    bounced = {"address": TAGGED, "message": message, "permanent": True, "reason": "550"}
    tell(home, [news(home, EventKind.BOUNCED, at, **bounced)])
    assert (is_stopped(home, TAGGED), is_stopped(home, ANNA)) == (True, False)


def test_addresses_of_unknown_providers_are_never_taken_for_one(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    start(home, smtp_sink, *STRANGERS)
    one_click(home, smtp_sink, STRANGERS[1])
    assert [is_stopped(home, each) for each in STRANGERS] == [False, True]


def test_coming_back_lifts_the_refusal_of_the_spelling_and_of_the_mailbox(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    start(home, smtp_sink, ANNA, TAGGED)
    one_click(home, smtp_sink, TAGGED)
    link = urlsplit(link_in(smtp_sink.mails_to(TAGGED)[-1], "unsubscribe")).path
    home.client.post(link, data={"undo": "1"})
    assert home.rows(suppressions) == []
    assert not is_stopped(home, ANNA)
    assert not is_stopped(home, TAGGED)


def test_each_spelling_that_refuses_must_come_back_by_itself(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    start(home, smtp_sink, "annabell@gmail.com", TAGGED)
    one_click(home, smtp_sink, "annabell@gmail.com")
    one_click(home, smtp_sink, TAGGED)
    link = urlsplit(link_in(smtp_sink.mails_to("annabell@gmail.com")[-1], "unsubscribe")).path
    home.client.post(link, data={"undo": "1"})
    assert [is_stopped(home, each) for each in ("annabell@gmail.com", TAGGED)] == [False, True]


def test_one_guide_leaves_for_a_mailbox_a_day_and_every_signup_is_recorded(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    for address in SPELLINGS:
        sign_up(home, address)
    assert [mail.recipients for mail in smtp_sink.mails] == [(ANNA,)]
    assert len(home.rows(signups)) == len(home.rows(subscribers)) == 3
    home.clock.advance(timedelta(days=1, minutes=1))
    sign_up(home, TAGGED)
    assert [mail.recipients for mail in smtp_sink.mails] == [(ANNA,), (TAGGED,)]


def test_an_upgrade_makes_the_mailboxes_known_and_spreads_earlier_refusals(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    start(home, smtp_sink, TAGGED, STRANGERS[1])
    context = home.context
    with context.database.writing() as connection:
        connection.execute(update(subscribers).values(mailbox_hash=None))
    one_click(home, smtp_sink, TAGGED)
    assert len(home.rows(suppressions)) == 1
    assert know_mailboxes(context.database, context.tokens) == 1
    assert know_mailboxes(context.database, context.tokens) == 0
    sign_up(home, ANNA)
    assert smtp_sink.mails_to(ANNA) == []


def test_a_refusal_that_an_older_program_recorded_is_spread_and_a_lifted_one_is_not(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    start(home, smtp_sink, "annabell@gmail.com", TAGGED)
    context = home.context
    one_click(home, smtp_sink, TAGGED)
    mailbox = home.person(TAGGED)["mailbox_hash"]
    with context.database.writing() as connection:
        connection.execute(delete(suppressions).where(suppressions.c.address_hash == mailbox))
    assert not is_stopped(home, "annabell@gmail.com")
    know_mailboxes(context.database, context.tokens)
    assert is_stopped(home, "annabell@gmail.com")
    home.clock.advance(timedelta(minutes=1))
    link = urlsplit(link_in(smtp_sink.mails_to("annabell@gmail.com")[-1], "unsubscribe")).path
    home.client.post(link, data={"undo": "1"})
    know_mailboxes(context.database, context.tokens)
    assert [is_stopped(home, each) for each in ("annabell@gmail.com", TAGGED)] == [False, True]


def test_new_keys_rename_the_mailboxes_too(home: Installation, smtp_sink: ScriptedSink) -> None:
    start(home, smtp_sink, TAGGED)
    one_click(home, smtp_sink, TAGGED)
    before = home.rows(suppressions)
    accept_keys(home.context.database, home.context.tokens)
    assert home.rows(suppressions) == before


def test_a_refusal_replayed_from_the_journal_stops_every_spelling(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    start(home, smtp_sink, TAGGED, ANNA)
    one_click(home, smtp_sink, TAGGED)
    at, context = home.clock.now, home.context
    lines = [
        WithdrawalLine(row["id"], row["address_hash"], row["kind"], row["happened_at"], at)
        for row in home.rows(withdrawals)
    ]
    with context.database.writing() as connection:
        connection.execute(delete(suppressions))
    Replayer(*context.stored, context.files, at).replay(lines)
    assert [is_stopped(home, each) for each in (TAGGED, ANNA)] == [True, True]


@pytest.mark.parametrize("zone", ["Europe/London", "nowhere"], ids=["readable", "unreadable"])
def test_a_refusal_that_a_list_brings_stops_every_spelling(
    home: Installation, smtp_sink: ScriptedSink, zone: str
) -> None:
    start(home, smtp_sink, ANNA)
    at, context = home.clock.now, home.context
    refused = {"reason": "unsubscribed", "since": at.isoformat(), "detail": ""}
    values = {"kind": "person", "email": TAGGED, "time_zone": zone, "created_at": at.isoformat()}
    row = values | {"came_by": "form", "frequency": "usual", "suppressions": json.dumps([refused])}
    with context.database.writing() as connection:
        restore_people(connection, context.tokens, [row], at)
    assert is_stopped(home, ANNA)
