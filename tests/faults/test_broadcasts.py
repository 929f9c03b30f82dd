"""Broadcasts are sent once and taken back whole, whatever is killed and whatever is pressed."""

import random
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.faults.broadcasting import (
    COMPLETED,
    FIVE_MINUTES,
    at_once,
    calm,
    check_the_sum,
    command_of,
    drafted,
    email,
    finish,
    got,
    in_words,
    let_leave,
    look_once,
    once_each,
    readers,
    sent,
    told,
    work,
)
from tests.faults.oracle import Oracle
from tests.faults.workers import PlainWorkers, expire_leases, until
from tests.installation import Installation
from tests.machines import backed_up, command, restored

KEY = "spring"

#: So many messages may be in doubt for each killed worker: one on each of its connections.
CONNECTIONS = 4

SETTINGS = {"NURTURE_BATCH": "30", "NURTURE_SMTP_CONNECTIONS": str(CONNECTIONS)}


def something_left_since(oracle: Oracle, before: int, nearly_all: float) -> bool:
    """Return whether more than `before` have left, or hardly one is left to leave."""
    return oracle.count() > before or oracle.count() >= nearly_all


# --- Kills ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("people", "kills"), [(150, 4), pytest.param(2000, 30, marks=pytest.mark.slow)]
)
def test_killed_workers_neither_lose_nor_repeat_any_email_of_a_broadcast(
    full_home: Installation, oracle: Oracle, people: int, kills: int
) -> None:
    home = full_home
    everyone, chance = readers(home, people), random.Random(people)
    sent(home, KEY)
    home.clock.advance(FIVE_MINUTES)
    oracle.delay(0.002)
    with PlainWorkers(home, work, SETTINGS) as workers:
        workers.start(2)
        for _ in range(kills):
            before = oracle.count()
            until(partial(something_left_since, oracle, before, people * 0.9))
            time.sleep(chance.uniform(0, 0.1))
            workers.kill(chance.choice(workers.pids()))
            workers.start()
        oracle.delay(0)
        until(lambda: calm(oracle) > 0)
    expire_leases(home)
    with PlainWorkers(home, work, SETTINGS) as workers:
        workers.start(1)
        state = finish(home, KEY)
    taken = once_each(oracle, KEY)
    check_the_sum(state, people)
    assert len(taken) >= people - state["in_doubt"]
    assert state["in_doubt"] <= (kills + 2) * CONNECTIONS
    assert state["left"] <= len(taken) <= state["left"] + state["in_doubt"]
    assert taken <= set(everyone)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("people", "kills"), [(1500, 3), pytest.param(6000, 25, marks=pytest.mark.slow)]
)
def test_a_press_that_is_killed_while_it_decides_the_audience_is_finished_by_the_sweep(
    full_home: Installation, oracle: Oracle, people: int, kills: int
) -> None:
    home = full_home
    readers(home, people)
    chance = random.Random(kills)
    drafted(home, KEY)
    for _ in range(kills):
        with PlainWorkers(home, command_of("send", KEY)) as press:
            press.start()
            time.sleep(chance.uniform(0, 0.8))
    told(home, "send", KEY)
    look_once(home)
    state = told(home, "show", KEY)
    check_the_sum(state, people)
    assert state["waiting"] == people and oracle.count() == 0


@pytest.mark.slow
def test_undoing_while_the_audience_is_being_decided_leaves_nobody_in_it(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    readers(home, 1500)
    drafted(home, KEY)
    for wait in (0.05, 0.2, 0.4, 0.8):
        with PlainWorkers(home, command_of("send", KEY)) as press:
            press.start()
            time.sleep(wait)
            told(home, "undo", KEY)
            press.wait()
    told(home, "undo", KEY)
    state = told(home, "show", KEY)
    assert (state["status"], state["waiting"], state["reached"]) == ("draft", 0, 0)
    let_leave(home, minutes=10)
    assert oracle.count() == 0


def test_a_worker_killed_after_four_minutes_and_an_undo_mean_that_nothing_leaves(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    readers(home, 50)
    sent(home, KEY)
    with PlainWorkers(home, work) as workers:
        [worker] = workers.start()
        for _ in range(4):
            home.clock.advance(timedelta(minutes=1))
            time.sleep(0.1)
        workers.kill(worker)
        told(home, "undo", KEY)
        workers.start()
        for _ in range(10):
            home.clock.advance(timedelta(minutes=1))
            time.sleep(0.1)
    assert oracle.count() == 0
    assert told(home, "show", KEY)["status"] == "draft"


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["undo", "stop", "resume"])
def test_a_press_killed_at_any_moment_has_happened_or_has_not(
    full_home: Installation, oracle: Oracle, verb: str
) -> None:
    home = full_home
    people, chance = 60, random.Random(verb)
    readers(home, people)
    sent(home, KEY)
    before, after = {
        "undo": ("sending", "draft"),
        "stop": ("sending", "stopped"),
        "resume": ("stopped", "sending"),
    }[verb]
    if verb == "resume":
        told(home, "stop", KEY)
    states = []
    for _ in range(4):
        with PlainWorkers(home, command_of(verb, KEY)) as press:
            press.start()
            time.sleep(chance.uniform(0, 0.15))
        states.append(told(home, "show", KEY))
    assert {state["status"] for state in states} <= {before, after}
    waiting = {(state["status"], state["waiting"]) for state in states}
    assert waiting <= {("draft", 0), ("sending", people), ("stopped", people)}
    assert told(home, verb, KEY)["status"] == after
    assert oracle.count() == 0


# --- Stop, mend, send the rest -------------------------------------------------------------------


@pytest.mark.parametrize("people", [250, pytest.param(2000, marks=pytest.mark.slow)])
def test_what_had_left_at_a_stop_is_what_the_mail_server_has_and_it_stays_so(
    full_home: Installation, oracle: Oracle, people: int
) -> None:
    home = full_home
    readers(home, people)
    sent(home, KEY)
    home.clock.advance(FIVE_MINUTES)
    oracle.delay(0.004)
    with PlainWorkers(home, work, SETTINGS) as workers:
        workers.start(2)
        until(lambda: oracle.count() > people // 5, every=0.005)
        state = told(home, "stop", KEY)
        left = calm(oracle)
        assert left < people, "it was stopped too late to tell anything"
        assert state["left"] <= left <= state["left"] + state["on_connection"]
        for _ in range(20):
            home.clock.advance(timedelta(minutes=30))
            time.sleep(0.05)
        assert oracle.count() == left
        later = told(home, "show", KEY)
    assert (later["status"], later["left"], later["in_doubt"]) == ("stopped", left, 0)
    assert later["waiting"] == people - left


@pytest.mark.slow
def test_the_number_that_a_stop_tells_is_what_the_mail_server_has_five_seconds_later(
    full_home: Installation, oracle: Oracle
) -> None:
    """A person who counts the mail server's lines knows nothing of what is on a connection."""
    home = full_home
    readers(home, 300)
    sent(home, KEY)
    home.clock.advance(FIVE_MINUTES)
    oracle.delay(0.004)
    with PlainWorkers(home, work, SETTINGS) as workers:
        workers.start(2)
        until(lambda: oracle.count() > 50, every=0.005)
        state = told(home, "stop", KEY)
        assert state["left"] == calm(oracle)


@pytest.mark.parametrize(
    ("people", "rounds"), [(200, 3), pytest.param(2000, 12, marks=pytest.mark.slow)]
)
def test_the_rest_get_the_corrected_text_and_nobody_gets_two(
    full_home: Installation, oracle: Oracle, people: int, rounds: int
) -> None:
    home = full_home
    everyone, chance = readers(home, people), random.Random(rounds)
    sent(home, KEY)
    home.clock.advance(FIVE_MINUTES)
    oracle.delay(0.004)
    subjects, before = [KEY], dict[str, int]()
    with PlainWorkers(home, work, SETTINGS) as workers:
        workers.start(2)
        for number in range(rounds):
            count = oracle.count()
            until(partial(something_left_since, oracle, count + people // (rounds * 4), people))
            time.sleep(chance.uniform(0, 0.1))
            told(home, "stop", KEY)
            if number % 2:
                workers.kill(chance.choice(workers.pids()))
                workers.start()
            calm(oracle, 0.5)
            before[subjects[-1]] = sum(got(oracle, subjects[-1]).values())
            subjects.append(f"corrected {number}")
            told(home, "draft", KEY, "--file", email(home, subjects[-1]))
            told(home, "resume", KEY)
        oracle.delay(0)
        calm(oracle)
        expire_leases(home)
        state = finish(home, KEY)
    taken = once_each(oracle, *subjects)
    check_the_sum(state, people)
    assert len(taken) >= people - state["in_doubt"] and taken <= set(everyone)
    assert state["in_doubt"] <= rounds * CONNECTIONS
    assert before == {subject: sum(got(oracle, subject).values()) for subject in subjects[:-1]}
    assert sum(count > 0 for count in before.values()) > 1


# --- Pressed twice, and two at once --------------------------------------------------------------


def test_every_button_may_be_pressed_twice(full_home: Installation, oracle: Oracle) -> None:
    home = full_home
    everyone = set(readers(home, 20))
    first = sent(home, KEY)
    home.clock.advance(timedelta(minutes=1))
    again = told(home, "send", KEY)
    assert (again["leaves_at"], again["waiting"]) == (first["leaves_at"], 20)
    assert [told(home, "undo", KEY)["status"] for _ in range(2)] == ["draft"] * 2
    told(home, "send", KEY)
    assert [told(home, "stop", KEY)["status"] for _ in range(2)] == ["stopped"] * 2
    assert [told(home, "resume", KEY)["status"] for _ in range(2)] == ["sending"] * 2
    let_leave(home)
    assert once_each(oracle, KEY) == everyone
    after = [command(home, "broadcast", verb, KEY).exit_code for verb in ("send", "resume", "stop")]
    let_leave(home, minutes=10)
    assert once_each(oracle, KEY) == everyone, after
    assert "cannot be undone" in in_words(command(home, "broadcast", "undo", KEY))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verbs", "possible"),
    [
        (("send", "send", "send"), ("sending",)),
        (("send", "undo"), ("sending", "draft")),
        (("undo", "send", "undo"), ("sending", "draft")),
        (("send", "stop"), ("sending", "stopped")),
    ],
    ids="+".join,
)
def test_commands_at_the_same_time_leave_all_or_nobody_waiting(
    full_home: Installation, oracle: Oracle, verbs: tuple[str, ...], possible: tuple[str, ...]
) -> None:
    home = full_home
    people = 300
    everyone = set(readers(home, people))
    drafted(home, KEY)
    for _ in range(3):
        at_once(home, *verbs, key=KEY)
        look_once(home)
        state = told(home, "show", KEY)
        assert state["status"] in possible
        assert state["waiting"] == (0 if state["status"] == "draft" else people)
        command(home, "broadcast", "undo", KEY)
        command(home, "broadcast", "resume", KEY)
        command(home, "broadcast", "undo", KEY)
    assert told(home, "show", KEY)["status"] == "draft"
    at_once(home, *verbs, key=KEY)
    ended = told(home, "show", KEY)["status"]
    let_leave(home)
    assert once_each(oracle, KEY) == (everyone if ended == "sending" else set())


@pytest.mark.slow
def test_stop_and_resume_at_the_same_time_end_stopped_or_sending_and_repeat_nothing(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    everyone = set(readers(home, 300))
    sent(home, KEY)
    home.clock.advance(FIVE_MINUTES)
    oracle.delay(0.004)
    with PlainWorkers(home, work, SETTINGS) as workers:
        workers.start(2)
        for _ in range(4):
            at_once(home, "stop", "resume", "stop", "resume", key=KEY)
            assert told(home, "show", KEY)["status"] in ("stopped", "sending")
        told(home, "resume", KEY)
        oracle.delay(0)
        state = finish(home, KEY)
    assert once_each(oracle, KEY) == everyone
    assert state["ended"] == {COMPLETED: 300}


# --- The clock -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_clock_set_back_an_hour_sends_nothing_twice_and_still_lets_undo(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    everyone = set(readers(home, 20))
    sent(home, KEY)
    home.clock.advance(timedelta(minutes=3) - timedelta(hours=1))
    look_once(home)
    assert told(home, "undo", KEY)["status"] == "draft"
    told(home, "send", KEY)
    let_leave(home)
    home.clock.advance(-timedelta(hours=1))
    let_leave(home, hours=2)
    assert once_each(oracle, KEY) == everyone


def test_a_clock_that_jumps_past_the_five_minutes_sends_once_and_undo_says_that_it_is_late(
    full_home: Installation, oracle: Oracle
) -> None:
    home = full_home
    everyone = set(readers(home, 20))
    sent(home, KEY)
    home.clock.advance(timedelta(hours=2))
    assert "cannot be undone" in in_words(command(home, "broadcast", "undo", KEY))
    look_once(home)
    assert once_each(oracle, KEY) == everyone


# --- Copies --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_broadcast_in_a_restored_backup_waits_until_the_owner_says_that_it_may_send(
    sqlite_home: Installation, oracle: Oracle, tmp_path: Path
) -> None:
    home = sqlite_home
    readers(home, 20)
    sent(home, KEY)
    (tmp_path / "backups").mkdir()
    file, words = backed_up(home, tmp_path / "backups")
    other, done = restored(home, file, words)
    assert done.exit_code == 0, done.output
    let_leave(home)
    for _ in range(3):
        look_once(other)
    assert oracle.count() == 20
    assert told(other, "show", KEY)["waiting"] == 20
    other.close()
