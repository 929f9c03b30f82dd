"""Erasure on several machines: each deletes its files, and none misses an erasure."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from nurture.bootstrap import Context
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.files.witness import Witness
from nurture.mail.outbox.files import list_mails, mail_path
from nurture.services.subscribers import erasure, machine_files
from nurture.services.subscribers.machine_files import FilesKeptError, OwnFiles
from nurture.store.database import Database
from nurture.store.tables.erasures import ErasedMarks, gone_after, list_erasures, newest_erasure
from nurture.store.tables.suppressions import suppress, suppressions
from tests.installation import Installation
from tests.servers.clock import A_MONDAY_MORNING

ANN, BOB = "ann@example.org", "bob@example.org"


def machine(home: Installation, name: str) -> Context:
    """Return another machine on the same database, with emails 1 and 2 in its outbox."""
    context = home.another(NURTURE_DATA_DIR=str(home.directory / name), NURTURE_SMTP_URL="")
    context.outbox.mkdir(parents=True)
    for number, address in enumerate((ANN, BOB), 1):
        mail_path(context.outbox, number).write_text(f"To: {address}\n\nHello")
    return context


def kept(context: Context) -> list[int]:
    return sorted(mail.number for mail in list_mails(context.outbox))


def two_people(home: Installation) -> None:
    for address in (ANN, BOB):
        home.subscribe(address)
    home.deliver()
    assert home.messages_of(ANN)[0]["id"] == 1


def follow(home: Installation, context: Context) -> int:
    return machine_files.follow(context.database, context.files, home.clock.now)


def test_every_machine_deletes_the_emails_and_counts_an_erasure_once(home: Installation) -> None:
    two_people(home)
    machines = [machine(home, "one"), machine(home, "two")]
    erasure.forget(home.context.database, home.context.files, 1, home.clock.now)
    assert [kept(context) for context in machines] == [[1, 2], [1, 2]]
    assert [follow(home, context) for context in machines] == [1, 1]
    assert [kept(context) for context in machines] == [[2], [2]]
    assert [follow(home, context) for context in machines] == [0, 0]
    for context in machines:
        context.database.close()


def test_the_erasure_of_an_unconfirmed_signup_is_followed_too(sqlite_home: Installation) -> None:
    home = sqlite_home
    two_people(home)
    context = machine(home, "one")
    home.clock.advance(timedelta(days=31))
    home.upkeep()
    follow(home, context)
    assert kept(context) == []
    context.database.close()


def test_a_machine_that_returns_after_many_erasures_follows_them_all(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    home, told = sqlite_home, set[int]()
    two_people(home)
    with home.context.database.writing() as connection:
        list_erasures(connection, [None] * 1203 + [1, 2], home.clock.now)
    files = OwnFiles(
        tmp_path, Witness(tmp_path / "mark"), (lambda gone: told.update(gone.messages),)
    )
    assert machine_files.follow(home.context.database, files, home.clock.now) == 1205
    assert told == {1, 2}
    assert files.followed.seen() == 1205


def test_an_incomplete_erasure_is_retried(sqlite_home: Installation, tmp_path: Path) -> None:
    home, database = sqlite_home, sqlite_home.context.database
    two_people(home)
    reader = sqlite3.connect(str(database.engine.url.database), isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM subscribers").fetchone()
    erasure.forget(database, home.context.files, 1, home.clock.now)
    assert machine_files.pending(database, home.context.files) == 1
    reader.close()
    follow(home, home.context)
    assert machine_files.pending(database, home.context.files) == 0


def test_a_file_that_cannot_be_removed_is_named_and_retried(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    def refuse(gone: ErasedMarks) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / "mail"))

    home, mark = sqlite_home, Witness(tmp_path / "mark")
    two_people(home)
    with home.context.database.writing() as connection:
        list_erasures(connection, [1], home.clock.now)
    with pytest.raises(FilesKeptError, match="mail is about a person who was erased"):
        machine_files.follow(
            home.context.database, OwnFiles(tmp_path, mark, (refuse,)), home.clock.now
        )
    assert machine_files.pending(home.context.database, OwnFiles(tmp_path, mark, ())) == 1


def test_an_earlier_database_state_is_followed_from_the_beginning(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    mark = Witness(tmp_path / "mark")
    mark.set(77)
    with sqlite_home.context.database.writing() as connection:
        list_erasures(connection, [None, None], sqlite_home.clock.now)
    files = OwnFiles(tmp_path, mark, ())
    assert machine_files.follow(sqlite_home.context.database, files, sqlite_home.clock.now) == 2


def test_a_reader_that_has_read_up_to_an_erasure_has_missed_none(postgresql_url: str) -> None:
    database = Database(postgresql_url)

    def erase_meanwhile() -> None:
        with database.writing() as connection:
            list_erasures(connection, [None], A_MONDAY_MORNING)

    with ThreadPoolExecutor(1) as pool:
        with database.writing() as first:
            list_erasures(first, [None], A_MONDAY_MORNING)
            later = pool.submit(erase_meanwhile)
            time.sleep(0.2)
            with database.reading() as connection:
                assert newest_erasure(connection) == 0
        later.result()
    with database.reading() as connection:
        assert gone_after(connection, 0, 10).upto == newest_erasure(connection) == 2
    database.close()


def test_the_mail_servers_words_about_an_erased_person_are_deleted_too(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    home.subscribe(ANN)
    home.deliver()
    said = (SuppressionReason.BOUNCED, home.clock.now, f"550 <{ANN}> is nobody")
    with home.context.database.writing() as connection:
        suppress(connection, home.person(ANN)["address_hash"], *said)
    home.clock.advance(timedelta(days=31))
    home.upkeep()
    assert [ANN in repr(rows) for rows in home.everything().values()].count(True) == 0
    assert [row["reason"] for row in home.rows(suppressions)] == ["bounced"]
