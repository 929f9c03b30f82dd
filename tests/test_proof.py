"""The guard over consent records notices every change, and only an erasure may empty traces."""

from contextlib import suppress

import pytest
from sqlalchemy import Executable, delete, text, update

from nurture.services.subscribers import erasure
from nurture.store import personal
from nurture.store.database import Database
from nurture.store.tables.consents import consents
from tests import proof
from tests.installation import Installation
from tests.installations import home, smtp_sink
from tests.proof import ChangedProofError
from tests.vocabulary import ANN

__all__ = ["home", "smtp_sink"]

CHANGES = [
    update(consents).values(wording="something else"),
    update(consents).where(consents.c.id == 1).values(client=""),
    delete(consents).where(consents.c.id == 1),
    text("UPDATE consents SET granted = NOT granted"),
    text('delete from "consents"'),
    text("WITH gone AS (SELECT 1) DELETE FROM\n consents WHERE id = 1"),
    text("DROP TABLE consents"),
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_changed_consent_record_is_noticed_on_either_database(
    database: Database, change: Executable
) -> None:
    with pytest.raises(ChangedProofError, match="never changed"), database.writing() as connection:
        connection.execute(change)
    proof.forget()


def test_a_change_is_noticed_even_if_the_error_is_hidden(home: Installation) -> None:
    home.subscribe(ANN)
    before, another = home.rows(consents), home.another()

    def change_in_secret() -> None:
        with suppress(ChangedProofError), another.database.writing() as connection:
            connection.execute(delete(consents))

    with pytest.raises(ChangedProofError, match="were changed"), proof.watched():
        change_in_secret()
    another.database.close()
    assert home.rows(consents) == before != []


def test_an_erasure_empties_the_traces_and_leaves_the_rest(home: Installation) -> None:
    home.subscribe(ANN)
    home.collect(tracking=True)
    before = home.rows(consents)
    assert erasure.forget(home.context.database, home.context.files, 1, home.clock.now)
    left = home.rows(consents)
    assert any(row["client"] for row in before)
    assert left == [row | dict.fromkeys(proof.TRACES, "") for row in before] != []


def test_an_erasure_that_empties_a_wording_is_noticed(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.subscribe(ANN)
    fewer = personal._STAYS["consents"] - {"wording"}
    monkeypatch.setattr(personal, "_STAYS", {**personal._STAYS, "consents": fewer})
    with pytest.raises(ChangedProofError, match="wording"):
        erasure.forget(home.context.database, home.context.files, 1, home.clock.now)
    proof.forget()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ONLY public.consents SET client = ''",
        "TRUNCATE consents",
        "INSERT OR REPLACE INTO consents (id) VALUES (1)",
        "INSERT INTO consents (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET granted = true",
        "ALTER TABLE consents DROP COLUMN wording",
    ],
)
def test_other_ways_to_change_a_record_are_known(statement: str) -> None:
    assert proof.changes_records(statement)
    assert not proof.empties_traces(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO consents (id) VALUES (1)",
        "SELECT * FROM consents FOR UPDATE OF consents",
        "UPDATE subscribers SET purposes = '' WHERE id IN (SELECT subscriber_id FROM consents)",
        "DELETE FROM consents_asked",
    ],
)
def test_reading_and_appending_are_accepted(statement: str) -> None:
    assert not proof.changes_records(statement)
