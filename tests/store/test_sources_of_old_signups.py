"""Signups from before figures by source are counted like later ones."""

from alembic import command
from sqlalchemy import text

from nurture.store import migrate as migration
from nurture.store.database import Database
from nurture.store.migrate import migrate
from nurture.store.tables.signups import SOURCE_COLUMNS

_PERSON = (
    "INSERT INTO subscribers (id, address_hash, first_name, time_zone, created_at, frequency,"
    " purposes, erased) VALUES (1, 'h', '', 'UTC', '2026-03-02 09:00:00', 'usual', '', :no)"
)
_SIGNUP = (
    "INSERT INTO signups (id, subscriber_id, form, signed_up_at, page_url, utm, client)"
    " VALUES (:id, 1, 'pain-guide', '2026-03-02 09:00:00', :page, :utm, '')"
)
_ROWS = [
    {"id": 1, "page": "https://www.Site.example/A/?b=c", "utm": '{"utm_source": " Google "}'},
    {"id": 2, "page": "", "utm": "{}"},
    {"id": 3, "page": "https://[odd/", "utm": '{"utm_medium": 7, "utm_campaign": "Spring"}'},
]


def test_old_signups_are_told_where_they_came_from(empty_url: str) -> None:
    command.upgrade(migration._config(empty_url), "0029")
    database = Database(empty_url)
    with database.writing() as connection:
        connection.execute(text(_PERSON), {"no": False})
        connection.execute(text(_SIGNUP), _ROWS)
    migrate(empty_url)
    with database.reading() as connection:
        found = connection.execute(
            text(f"SELECT {', '.join(SOURCE_COLUMNS)} FROM signups ORDER BY id")
        ).all()
    database.close()
    assert [tuple(row) for row in found] == [
        ("google", "", "", "site.example/a"),
        ("", "", "", ""),
        ("", "", "spring", ""),
    ]
