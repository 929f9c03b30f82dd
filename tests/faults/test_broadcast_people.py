"""The people a broadcast reaches and those it does not, beside sequences, limits and refusals."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from nurture.domain.messages.status import MessageStatus
from nurture.domain.subscribers.consent import Evidence
from nurture.domain.tracking.events import EventKind
from nurture.services.subscribers import preferences
from nurture.store.tables.messages import messages
from tests.faults.broadcasting import (
    COMPLETED,
    check_the_sum,
    drafted,
    got,
    let_leave,
    look_once,
    once_each,
    readers,
    sent,
    told,
)
from tests.faults.oracle import Fault, Oracle
from tests.installation import Installation
from tests.lists import agreed, bring, left, said, write_list
from tests.machines import command
from tests.servers.clock import ClockFile
from tests.vocabulary import ANN, HARD, news, on_the_way_to_the_first_article, tell

KEY = "spring"

#: The last email of the series for the pain guide, which is of no use weeks late.
LAST_WORD = "discovery-session-last-word"


@pytest.fixture
def oracle(tmp_path: Path, clock_file: ClockFile) -> Iterator[Oracle]:
    """A mail server that remembers when it has accepted what."""
    with Oracle(tmp_path / "accepted.jsonl", clock_file.path) as oracle:
        yield oracle


def unsubscribe(home: Installation, address: str) -> None:
    """Unsubscribe a person from everything."""
    context = home.context
    number = home.person(address)["id"]
    preferences.unsubscribe(
        context.database, context.catalogue, number, None, Evidence(), home.clock.now
    )


def subjects_to(oracle: Oracle, address: str) -> list[str]:
    """Return the subjects of what an address was sent, in order."""
    return [one.subject for one in oracle.taken() if one.recipient == address]


def steps_to(home: Installation) -> list[str]:
    """Return the steps of which Ann has been sent an email."""
    return [row["step"] for row in home.messages_of(ANN)]


# --- Who drops out between the press and the email -----------------------------------------------


def test_people_who_leave_between_the_press_and_the_email_do_not_get_it_and_are_accounted_for(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    leaves, bounces, erased, listed, *others = readers(home, 12)
    sent(home, KEY)
    home.clock.advance(timedelta(minutes=2))
    unsubscribe(home, leaves)
    gone = news(home, EventKind.BOUNCED, home.clock.now, address=bounces, permanent=True)
    tell(home, [gone])
    assert command(home, "forget", erased, "--yes").exit_code == 0
    refusal = write_list(home, [left(listed)], "left.csv")
    assert command(home, "import", refusal).exit_code == 0
    let_leave(home)
    look_once(home)
    assert once_each(oracle, KEY) == set(others)
    state = told(home, "show", KEY)
    assert state["left"] == state["ended"].pop(COMPLETED) == len(others)
    assert set(state["ended"]) <= {"unsubscribed", "suppressed", "removed", "erased", "bounced"}
    assert state["waiting"] == 0
    # A person who was erased leaves no row behind.
    assert 3 <= sum(state["ended"].values()) <= 4


def test_people_who_leave_while_it_is_stopped_do_not_get_the_rest(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    everyone = readers(home, 10)
    sent(home, KEY)
    told(home, "stop", KEY)
    home.clock.advance(timedelta(days=2))
    for address in everyone[:3]:
        unsubscribe(home, address)
    told(home, "resume", KEY)
    let_leave(home)
    look_once(home)
    assert once_each(oracle, KEY) == set(everyone[3:])
    check_the_sum(told(home, "show", KEY), 10)


@pytest.mark.slow
def test_people_who_come_after_the_press_get_it_only_by_a_press_of_its_own(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    first = set(readers(home, 5))
    sent(home, KEY)
    later = set(readers(home, 4, name="later"))
    let_leave(home)
    assert once_each(oracle, KEY) == first
    assert told(home, "send-to-new", KEY)["added"] == 4
    assert told(home, "send-to-new", KEY)["added"] == 0
    let_leave(home, minutes=4)
    assert once_each(oracle, KEY) == first
    let_leave(home, minutes=10)
    assert once_each(oracle, KEY) == first | later


def test_a_broadcast_that_reaches_nobody_is_told_and_finishes(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    readers(home, 5, stream="articles")
    assert sent(home, KEY)["reached"] == 0
    let_leave(home, minutes=10)
    state = told(home, "show", KEY)
    assert (oracle.count(), state["status"], state["waiting"]) == (0, "finished", 0)


def test_ten_collectors_of_a_guide_get_no_news_and_the_review_names_the_wording(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    people = [f"collector{n}@example.org" for n in range(10)]
    on_the_way_to_the_first_article(home, *people)
    drafted(home, KEY)
    reviewed = command(home, "broadcast", "review", KEY, "--json")
    assert told(home, "send", KEY)["reached"] == 0
    let_leave(home, minutes=10)
    assert not got(oracle, KEY)
    if "No such command" in reviewed.output:
        pytest.skip("there is no review yet")
    assert '"reached": 0' in reviewed.stdout
    assert "wording" in reviewed.stdout


# --- Beside sequences ----------------------------------------------------------------------------


@pytest.mark.slow
def test_emails_of_sequences_go_before_a_broadcast_that_has_waited_longer(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    home.settings = {"NURTURE_LIMIT_MINUTE": "10"}
    del home.__dict__["context"]
    people = [f"series{n}@example.org" for n in range(6)]
    for address in people:
        home.subscribe(address)
    let_leave(home, minutes=4)
    for address in people:
        home.collect(home.enrolment(address)["id"])
    let_leave(home, minutes=2)
    look = home.next_look()
    assert look is not None
    readers(home, 40)
    home.clock.set(look - timedelta(minutes=6))
    sent(home, KEY)
    let_leave(home, minutes=5)
    assert 20 <= told(home, "show", KEY)["waiting"] < 40
    let_leave(home, minutes=4)
    since = [one for one in oracle.taken() if one.moment >= look]
    articles = {one.recipient: one.moment for one in since if one.recipient in people}
    news = [one.moment for one in since if one.subject == KEY]
    assert set(articles) == set(people)
    assert news and max(articles.values()) <= min(news)


@pytest.mark.slow
def test_a_guide_leaves_within_a_minute_though_a_broadcast_waits_for_the_limit_of_the_account(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    home.settings = {"NURTURE_LIMIT_HOUR": "20"}
    del home.__dict__["context"]
    readers(home, 60)
    sent(home, KEY)
    let_leave(home, minutes=10)
    assert 10 <= sum(got(oracle, KEY).values()) <= 20
    asked = home.clock.now
    home.subscribe("guide@example.org")
    let_leave(home, minutes=1)
    [guide] = [one for one in oracle.taken() if one.recipient == "guide@example.org"]
    assert guide.moment - asked <= timedelta(minutes=1)
    let_leave(home, hours=8)
    assert len(once_each(oracle, KEY)) == 60
    moments = [one.moment for one in oracle.taken()]
    hour = timedelta(hours=1)
    assert max(sum(at <= other < at + hour for other in moments) for at in moments) <= 20


@pytest.mark.slow
def test_a_last_word_and_a_broadcast_on_the_same_morning_both_arrive_once_and_apart(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    on_the_way_to_the_first_article(home, ANN)
    number = home.person(ANN)["id"]
    home.press(f"/preferences/{home.context.tokens.preferences(number)}", frequency="fewer")
    assert home.person(ANN)["frequency"] == "fewer"
    for _ in range(150):
        if "discovery-session" in steps_to(home):
            break
        home.live(days=1)
        home.deliver()
    due = home.enrolment(ANN)["next_look_at"]
    assert due is not None and LAST_WORD not in steps_to(home)
    bring(home, [agreed(ANN)], said({"news"}))
    home.clock.set(due - timedelta(minutes=6))
    sent(home, KEY)
    for _ in range(15 * 24):
        look_once(home)
        home.clock.advance(timedelta(hours=1))
    assert steps_to(home).count(LAST_WORD) == 1
    assert got(oracle, KEY) == {ANN: 1}
    when = {row["step"]: row["accepted_at"] for row in home.messages_of(ANN)}
    assert abs(when[LAST_WORD] - when["email"]) >= timedelta(days=6)


@pytest.mark.slow
def test_two_broadcasts_on_one_morning_reach_everyone_once_each_and_a_day_apart(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    everyone = set(readers(home, 8))
    sent(home, "first")
    sent(home, "second")
    let_leave(home)
    assert once_each(oracle, "first", "second") == everyone
    for _ in range(4):
        home.clock.advance(timedelta(hours=12))
        look_once(home)
    assert set(got(oracle, "first")) == set(got(oracle, "second")) == everyone
    assert set((got(oracle, "first") + got(oracle, "second")).values()) == {2}
    of = {who: [one.moment for one in oracle.taken() if one.recipient == who] for who in everyone}
    assert min(later - earlier for earlier, later in of.values()) >= timedelta(hours=23)


# --- Refusals and doubts -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["452 4.5.3 daily quota exceeded", "554 5.7.1 quota exceeded"])
def test_an_hour_in_which_the_account_is_refused_costs_nobody_the_broadcast(
    full_home: Installation, oracle: Oracle, answer: str
) -> None:
    home = full_home
    everyone = set(readers(home, 25))
    sent(home, KEY)
    oracle.show(Fault("RCPT", text=answer))
    let_leave(home, minutes=65)
    assert oracle.count() == 0
    assert told(home, "show", KEY)["left"] == 0
    oracle.behave()
    for _ in range(36):
        home.clock.advance(timedelta(minutes=20))
        look_once(home)
    assert once_each(oracle, KEY) == everyone
    assert told(home, "show", KEY)["ended"] == {COMPLETED: 25}


def test_doubts_are_counted_and_may_be_settled_after_the_broadcast_has_finished(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    everyone = set(readers(home, 10))
    sent(home, KEY)
    oracle.show(Fault("dot", do="drop", times=2))
    let_leave(home, minutes=10)
    oracle.behave()
    let_leave(home, minutes=120)
    state = told(home, "show", KEY)
    doubted = [row["id"] for row in home.rows(messages) if row["status"] == MessageStatus.IN_DOUBT]
    assert (state["status"], state["in_doubt"]) == ("finished", len(doubted))
    assert (state["left"], len(doubted)) == (10 - len(doubted), 2)
    yes, no = doubted
    assert command(home, "settle", yes, "--sent").exit_code == 0
    settled = command(home, "settle", no, "--not-sent")
    assert settled.exit_code == 0, settled.output
    let_leave(home, minutes=10)
    [row] = [row for row in home.rows(messages) if row["id"] == no]
    assert row["status"] == MessageStatus.ACCEPTED
    assert len(once_each(oracle, KEY)) == 9 and once_each(oracle, KEY) <= everyone


def test_one_refused_address_ends_for_that_person_alone(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    dead, *others = readers(home, 6)
    sent(home, KEY)
    oracle.show(Fault("RCPT", text=HARD, only=dead))
    let_leave(home, minutes=10)
    state = told(home, "show", KEY)
    assert once_each(oracle, KEY) == set(others)
    assert (state["left"], state["waiting"]) == (5, 0)
    check_the_sum(state, 6)
    assert state["ended"][COMPLETED] == 5
