"""This program's own export brings everyone back as they were, and no refusal is ever lost."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.imports.own import RestoredCounts, restore_people
from nurture.services.subscribers.everybody import ExportFormat, Record, write_everybody, writer
from nurture.sheets.upload import open_sheets
from nurture.store.database import Connection, Database
from nurture.store.tables import holds
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.suppressions import suppressions
from nurture.store.tables.withdrawals import withdrawals
from nurture.tokens import Tokens
from tests.installation import Installation
from tests.installations import home, smtp_sink
from tests.movers import BEGUN, NOW, TOKENS, Mover, movers, settle, strangers
from tests.presence import at_least_one

__all__ = ["home", "smtp_sink"]

#: Purposes that are agreed to as one; the series belong to forms.
PLAIN = ("guide", "articles", "news", "tracking", "health_topics")

ANY = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=25,
)


class _UndoneError(Exception):
    """Rolls back what one example wrote."""


@contextmanager
def undone(database: Database) -> Iterator[Connection]:
    """Run a transaction that leaves nothing behind."""
    with pytest.raises(_UndoneError), database.writing() as connection:
        yield connection
        raise _UndoneError


def taken_out(connection: Connection, file: Path, written_as: ExportFormat) -> list[Record]:
    """Write the export of all people to a file; return its rows as they were written."""
    rows: list[Record] = []
    with file.open("w", encoding="utf-8", newline="") as to:
        write = writer(to, written_as)

        def both(row: Record) -> None:
            rows.append(row)
            write(row)

        write_everybody(connection, TOKENS, both)
    return rows


def brought_in(
    connection: Connection, file: Path, now: datetime = NOW, tokens: Tokens = TOKENS
) -> RestoredCounts:
    """Read a file as any list is read, and bring its people in."""
    [sheet] = open_sheets(file)
    assert sheet.reading.program == "own"
    rows = [row.own for row in sheet.rows(sheet.reading) if row.own is not None]
    return restore_people(connection, tokens, rows, now)


@pytest.mark.parametrize("written_as", ExportFormat)
@ANY
@given(people=movers, others=strangers, gone=st.just([]) | movers)
def test_everything_comes_back_as_it_was_and_a_second_time_changes_nothing(
    database: Database,
    tmp_path: Path,
    written_as: ExportFormat,
    people: list[Mover],
    others: list[Any],
    gone: list[Mover],
) -> None:
    file = tmp_path / f"people.{written_as}"
    here = {one.address for one in people}
    gone = [one for one in gone if one.address not in here]
    with undone(database) as connection:
        settle(connection, people, others, gone)
        before = taken_out(connection, file, written_as)
    with undone(database) as connection:
        counts = brought_in(connection, file)
        assert (counts.added, counts.changed, counts.problems) == (len(people), 0, ())
        assert counts.suppressed == len(gone) + len(others)
        after = taken_out(connection, tmp_path / "again", written_as)
        assert after == before
        again = brought_in(connection, file, NOW + timedelta(days=1))
        assert again == RestoredCounts(unchanged=len(people))
        assert taken_out(connection, tmp_path / "again", written_as) == before


def standing_in(rows: list[Record]) -> dict[tuple[str, str], str]:
    """Return since when each reason is in force, by address or hash."""
    return {
        (row["email"] if row["kind"] == "person" else row["address_hash"], one["reason"]): one[
            "since"
        ]
        for row in rows
        for one in row.get("suppressions", [])
    }


def latest(records: list[Record], purpose: str) -> set[bool]:
    """Return what the latest records about a purpose say; several if they are of one moment."""
    theirs = [one for one in records if one["purpose"] == purpose]
    newest = max((datetime.fromisoformat(one["recorded_at"]) for one in theirs), default=None)
    return {
        one["granted"] for one in theirs if datetime.fromisoformat(one["recorded_at"]) == newest
    }


def by_email(rows: list[Record]) -> dict[str, Record]:
    """Return the rows about people by their address."""
    return {row["email"]: row for row in rows if row["kind"] == "person"}


@ANY
@given(people=movers, known=movers, others=strangers, gone=movers)
def test_people_who_are_known_lose_nothing_and_no_refusal_is_undone(
    database: Database,
    tmp_path: Path,
    people: list[Mover],
    known: list[Mover],
    others: list[Any],
    gone: list[Mover],
) -> None:
    file, again = tmp_path / "people.ndjson", tmp_path / "again.ndjson"
    gone = [one for one in gone if one.address not in {each.address for each in known}]
    with undone(database) as connection:
        settle(connection, people)
        told = taken_out(connection, file, ExportFormat.NDJSON)
    with undone(database) as connection:
        settle(connection, known, others, gone)
        before = taken_out(connection, again, ExportFormat.NDJSON)
        brought_in(connection, file)
        after = taken_out(connection, again, ExportFormat.NDJSON)
        assert standing_in(before).keys() <= standing_in(after).keys()
        assert_whole(by_email(after), by_email(before), by_email(told))
        assert not {one.address for one in gone} & by_email(after).keys()
        held = holds.count_held(connection)
        repeated = brought_in(connection, file, NOW + timedelta(days=1))
        assert (repeated.added, repeated.changed, repeated.held) == (0, 0, 0)
        assert taken_out(connection, again, ExportFormat.NDJSON) == after
        assert holds.count_held(connection) == held


def assert_whole(
    after: dict[str, Record], before: dict[str, Record], told: dict[str, Record]
) -> None:
    """Check that everyone has all records of both sides once, and wants what they said last."""
    for email, row in at_least_one(after.items()):
        sides = [side[email] for side in (before, told) if email in side]
        for name in ("consents", "signups"):
            # The union of counters has the higher count of each.
            assert counted(row[name]) == counted(sides[0][name]) | counted(sides[-1][name]), name
        for name, key in (("enrolments", "sequence"), ("bookings", "source_key")):
            assert sorted(one[key] for one in row[name]) == sorted(
                {one[key] for side in sides for one in side[name]}
            )
        passed = {one["sequence"]: set(one["passed"]) for one in row["enrolments"]}
        every = [one for side in sides for one in side["enrolments"]]
        forgotten = [one for one in every if not set(one["passed"]) <= passed[one["sequence"]]]
        assert forgotten == []
        said = {purpose: latest(row["consents"], purpose) for purpose in PLAIN}
        assert {
            p for p, last in said.items() if (p in row["purposes"]) not in (last or {False})
        } == set()


def counted(records: list[Record]) -> Counter[str]:
    """Return how often each record is there."""
    return Counter(json.dumps(one, sort_keys=True) for one in records)


def enrolment(**more: Any) -> dict[str, Any]:
    """Return an enrolment under way in the first guide's series."""
    moments = dict.fromkeys(("enrolled_at", "anchor_at", "guide_wanted_at"), BEGUN)
    plain = {"sequence": "pain-guide", "status": "active", "passed": frozenset({"one"})}
    return plain | moments | {"guide_wanted": False, "next_look_at": BEGUN, "occasion": 1} | more


def someone(address: str = "ann@example.org", **more: Any) -> Mover:
    """Return a person with only these lists."""
    lists = ("said", "signups", "enrolments", "bookings", "suppressed", "lifted")
    return Mover(
        **(
            {"address": address, "columns": {}, "asked_again": None}
            | {name: [] for name in lists}
            | more
        )
    )


def moved(
    database: Database,
    file: Path,
    there: Sequence[Mover],
    here: Sequence[Mover] = (),
    tokens: Tokens = TOKENS,
) -> tuple[RestoredCounts, list[Record], list[Any]]:
    """Take people out of one installation and into another; return what came of it."""
    with undone(database) as connection:
        settle(connection, there)
        taken_out(connection, file, ExportFormat.CSV)
    with undone(database) as connection:
        settle(connection, here)
        counts = brought_in(connection, file, tokens=tokens)
        rows = taken_out(connection, file, ExportFormat.CSV)
        enrolled = list(connection.execute(select(enrolments)))
    return counts, rows, enrolled


def test_what_was_under_way_is_held_and_the_rest_is_not(database: Database, tmp_path: Path) -> None:
    ended = enrolment(sequence="golf", status="completed", ended_at=NOW, next_look_at=None)
    ann = someone(enrolments=[enrolment(), ended])
    counts, _, [under_way, over] = moved(database, tmp_path / "people.csv", [ann])
    assert counts.held == 1
    assert (under_way.held_at, under_way.next_look_at) == (NOW, NOW)
    assert (over.held_at, over.next_look_at) == (None, None)


def test_nobody_gets_an_email_of_a_series_twice(database: Database, tmp_path: Path) -> None:
    there = someone(enrolments=[enrolment(passed=frozenset({"one", "two"}))])
    here = someone(enrolments=[enrolment()])
    counts, _, [found] = moved(database, tmp_path / "people.csv", [there], [here])
    assert (counts.added, counts.changed, counts.held) == (0, 1, 0)
    assert found.passed == {"one", "two"}
    assert found.held_at is None


def test_a_refusal_that_comes_with_a_file_ends_what_is_under_way_here(
    database: Database, tmp_path: Path
) -> None:
    there = someone(suppressed=[(SuppressionReason.UNSUBSCRIBED, NOW, "")])
    here = someone(enrolments=[enrolment()])
    _, _, [found] = moved(database, tmp_path / "people.csv", [there], [here])
    assert (found.status, found.ended_because) == ("unsubscribed", "unsubscribed")


def consent(at: datetime, granted: bool, source: str) -> tuple[Any, ...]:
    """Return something said about new articles."""
    return (at, granted, Purpose.ARTICLES, "", source, Evidence(), None)


@pytest.mark.parametrize(
    ("source", "wants"),
    [("preferences", True), ("evidence:1", False), ("stated:1", False)],
)
def test_only_people_themselves_take_a_refusal_back(
    database: Database, tmp_path: Path, source: str, wants: bool
) -> None:
    there = someone(said=[consent(NOW, True, source)])
    here = someone(said=[consent(BEGUN, False, "preferences")])
    for _ in range(2):
        _, [row], _ = moved(database, tmp_path / "people.csv", [there], [here])
        assert ("articles" in row["purposes"]) is wants
        assert [one["granted"] for one in row["consents"]] == [False, True]


def test_an_older_refusal_does_not_undo_a_later_consent(database: Database, tmp_path: Path) -> None:
    there = someone(said=[consent(BEGUN, False, "preferences")])
    here = someone(said=[consent(NOW, True, "preferences")])
    _, [row], _ = moved(database, tmp_path / "people.csv", [there], [here])
    assert row["purposes"] == ["articles"]


def test_hashes_of_another_key_are_counted_and_change_nothing(
    database: Database, tmp_path: Path
) -> None:
    file, other = tmp_path / "people.csv", Tokens(["another key"])
    bounced = (SuppressionReason.BOUNCED, BEGUN, "no such mailbox")
    with undone(database) as connection:
        settle(connection, [someone(suppressed=[bounced])], [("x@example.net", bounced)])
        taken_out(connection, file, ExportFormat.CSV)
    with undone(database) as connection:
        counts = brought_in(connection, file, tokens=other)
        assert (counts.added, counts.suppressed, counts.other_key) == (1, 0, 1)
        [found] = connection.execute(select(suppressions)).all()
        # The address of the person is known, so that it is suppressed under the key here.
        assert found.address_hash == other.address_hashes("ann@example.org")[0]


def test_a_row_that_cannot_be_read_leaves_its_refusal(database: Database) -> None:
    refused = '[{"reason": "complained", "since": "2026-01-02T03:04:05+00:00"}]'
    cells = {"email": "ann@example.org", "time_zone": "UTC", "created_at": "yesterday"}
    broken = [cells | {"suppressions": refused}, cells | {"email": "bob@example.org"}]
    unreadable = cells | {"email": "cat@example.org", "suppressions": "#####"}
    with undone(database) as connection:
        counts = restore_people(connection, TOKENS, [*broken, unreadable], NOW)
        found = dict(
            connection.execute(select(suppressions.c.address_hash, suppressions.c.reason)).all()
        )
    assert (counts.added, counts.unreadable, counts.suppressed) == (0, 3, 2)
    assert counts.problems[0].startswith("What stands under “created_at” cannot be read.")
    assert found == {
        TOKENS.address_hashes("ann@example.org")[0]: "complained",
        TOKENS.address_hashes("cat@example.org")[0]: "unsubscribed",
    }


def test_a_list_too_long_for_a_cell_is_written_in_several_rows(
    database: Database, tmp_path: Path
) -> None:
    times = [BEGUN + timedelta(days=day) for day in range(150)]
    ann = someone(said=[consent(at, day % 2 == 0, "preferences") for day, at in enumerate(times)])
    counts, rows, _ = moved(database, tmp_path / "people.csv", [ann])
    assert len(rows) > 1
    assert max(len(json.dumps(row["consents"])) for row in rows) < 32_767
    assert (counts.added, counts.unreadable) == (1, 0)
    assert sum(len(row["consents"]) for row in rows) == len(times)


def test_opt_outs_that_come_in_are_listed_for_the_journal(
    database: Database, tmp_path: Path
) -> None:
    there = someone(
        said=[consent(BEGUN, False, "preferences")],
        suppressed=[(SuppressionReason.UNSUBSCRIBED, NOW, "")],
    )
    with undone(database) as connection:
        settle(connection, [there])
        taken_out(connection, tmp_path / "people.csv", ExportFormat.CSV)
    with undone(database) as connection:
        brought_in(connection, tmp_path / "people.csv")
        brought_in(connection, tmp_path / "people.csv")
        listed = [(one.kind, one.happened_at) for one in connection.execute(select(withdrawals))]
    assert listed == [("consent:articles", BEGUN), ("unsubscribed", NOW)]


def test_a_mail_that_may_be_on_its_way_counts_as_passed(home: Installation) -> None:
    home.subscribe("ann@example.org")
    home.deliver()
    home.collect()
    home.live(days=4)
    with home.context.database.writing() as connection:
        [newest] = connection.execute(
            select(messages)
            .where(messages.c.kind == "article")
            .order_by(messages.c.id.desc())
            .limit(1)
        )
        connection.execute(
            update(messages).where(messages.c.id == newest.id).values(status="in_doubt")
        )
        connection.execute(update(enrolments).values(passed=frozenset()))
        rows: list[Record] = []
        write_everybody(connection, home.context.tokens, rows.append)
    assert rows[0]["enrolments"][0]["passed"] == [newest.step]
