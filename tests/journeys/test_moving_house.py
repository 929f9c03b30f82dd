"""People who are taken to another installation get nothing unasked, and nothing twice."""

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from nurture.services.backup import held
from nurture.services.imports.own import restore_people
from nurture.services.subscribers.everybody import ExportFormat, export_everybody
from nurture.sheets.upload import open_sheets
from nurture.store.tables.messages import messages
from tests.installation import Installation
from tests.installations import home, smtp_sink, sqlite_home
from tests.servers.databases import SqliteDatabases
from tests.vocabulary import ANN

__all__ = ["home", "smtp_sink", "sqlite_home"]


@pytest.fixture
def elsewhere(
    sqlite_home: Installation, sqlite_databases: SqliteDatabases, tmp_path: Path
) -> Iterator[Installation]:
    """Another installation with the same emails and nobody in it."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    other = replace(sqlite_home, url=sqlite_databases.fresh(folder), directory=folder)
    yield other.publish_shipped()
    other.close()


def move(there: Installation, to: Installation) -> int:
    """Take everyone from one installation to the other; return how many were added."""
    text = StringIO(newline="")
    context = there.context
    export_everybody(context.database, context.tokens, text, ExportFormat.NDJSON)
    file = to.directory / "people.ndjson"
    file.write_text(text.getvalue(), encoding="utf-8")
    [sheet] = open_sheets(file)
    rows = [row.own for row in sheet.rows(sheet.reading) if row.own]
    with to.context.database.writing() as connection:
        return restore_people(connection, to.context.tokens, rows, to.clock.now).added


def sent(home: Installation) -> list[str]:
    """Return the emails that have been sent, in order."""
    return [row["step"] for row in home.rows(messages) if row["accepted_at"]]


def test_a_journey_goes_on_elsewhere_only_when_the_owner_says_so(
    sqlite_home: Installation, elsewhere: Installation
) -> None:
    sqlite_home.subscribe(ANN)
    sqlite_home.deliver()
    sqlite_home.collect()
    sqlite_home.live(days=10)
    before = sent(sqlite_home)
    assert len(before) > 2
    assert move(sqlite_home, elsewhere) == 1
    assert move(sqlite_home, elsewhere) == 0
    for _ in range(40):
        elsewhere.live(days=1)
        elsewhere.upkeep()
    assert sent(elsewhere) == []
    context = elsewhere.context
    [waiting] = held.list_held(context.database, context.catalogue, elsewhere.clock.now)
    assert waiting.address == ANN
    assert not set(waiting.steps) & set(before)
    held.let_go_on(context.database, [waiting.enrolment], elsewhere.clock.now)
    elsewhere.live(days=200)
    after = sent(elsewhere)
    assert after
    assert not set(after) & set(before)
