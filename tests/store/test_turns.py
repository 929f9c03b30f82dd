"""Turns: threads of one process write in order of arrival."""

import os
import time
from threading import Thread

import pytest

from nurture.store import database as database_module
from nurture.store.database import Database, DatabaseUnavailableError
from nurture.store.turns import NoTurnError, Turns


def test_turns_are_taken_in_order_of_arrival() -> None:
    turns, came = Turns(), list[int]()

    def write(number: int) -> None:
        with turns.next(5):
            came.append(number)

    with turns.next(1):
        threads = [Thread(target=write, args=[n]) for n in range(8)]
        for thread in threads:
            thread.start()
            while len(turns._queue) < threads.index(thread) + 1:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert came == list(range(8))


def test_a_turn_that_times_out_does_not_block_the_others() -> None:
    turns, refused = Turns(), list[Exception]()

    def wait() -> None:
        try:
            with turns.next(0.01):
                pass
        except NoTurnError as error:
            refused.append(error)

    with turns.next(1):
        thread = Thread(target=wait)
        thread.start()
        thread.join()
    assert len(refused) == 1
    with turns.next(0.01):
        pass


def test_a_nested_turn_in_the_same_thread_is_refused_immediately() -> None:
    turns = Turns()
    with turns.next(1), pytest.raises(RuntimeError), turns.next(60):
        pass


def test_a_forked_process_does_not_wait_for_its_parents_threads() -> None:
    turns = Turns()
    with turns.next(1):
        child = os.fork()
        if child == 0:
            try:
                with turns.next(0.1):
                    os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_database_that_stays_busy_is_reported_as_busy(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0.01)
    database, told = Database(sqlite_url), list[str]()

    def write() -> None:
        try:
            with database.writing():
                pass
        except DatabaseUnavailableError as error:
            told.append(str(error))

    with database.writing():
        thread = Thread(target=write)
        thread.start()
        thread.join()
    database.close()
    assert "busy" in told[0]
