"""PostgreSQL sessions that are alike, whatever the server, its databases or a pooler prefer.

A session's settings are requested when connecting, which costs nothing. A pooler that lends a
server's connection for one transaction at a time, such as PgBouncer, refuses or drops this request,
which is how it is recognised. Then each transaction makes the request itself, and no statement is
prepared: it would stay behind in a connection that another client has by then.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, create_engine, event, exc
from sqlalchemy.pool import ConnectionPoolEntry

#: How long to wait for a connection, in seconds.
CONNECT_SECONDS = 5

#: The settings of a session: how long a statement and a lock may take, in milliseconds
#: (transactions take milliseconds), and the format in which values are sent.
SESSION: Mapping[str, str] = {
    "statement_timeout": "60000",
    "lock_timeout": "20000",
    "datestyle": "ISO,MDY",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
}

#: If this setting is in force, what was requested when connecting has reached the server.
_MARK = "nurture.session"

#: The error of a pooler that does not accept settings when connecting.
_OPTIONS_REFUSED = re.compile("startup parameter|options", re.IGNORECASE)

_ASK_EACH_TIME = "SELECT " + ", ".join(
    f"set_config('{name}', '{value}', true)" for name, value in SESSION.items()
)
_READ_MARK = f"SELECT current_setting('{_MARK}', true)"

#: PostgreSQL's error for writing to a read-only database (SQLSTATE).
_READ_ONLY = "25006"


class UnfitDatabaseError(Exception):
    """A database that was created in a way that cannot store every text."""


def make_engine(url: str) -> Engine:
    """Return an engine whose sessions follow `SESSION`, with or without a pooler in between."""
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=20,
        pool_timeout=CONNECT_SECONDS,
        connect_args={"connect_timeout": CONNECT_SECONDS, "client_encoding": "UTF8"},
    )
    event.listen(engine, "do_connect", _Opening())
    event.listen(engine, "begin", _ask_where_lent)
    return engine


def is_read_only(error: exc.DBAPIError) -> bool:
    """Return whether an error says that the database is read-only."""
    return getattr(error.orig, "sqlstate", None) == _READ_ONLY


class _Opening:
    """A factory of sessions that remembers whether settings are refused when connecting."""

    def __init__(self) -> None:
        self._refused = False

    def __call__(
        self,
        dialect: Dialect,
        entry: ConnectionPoolEntry,
        arguments: tuple[Any, ...],
        named: dict[str, Any],
    ) -> Any:
        """Open one session; set `entry.info["lent"]` to whether a pooler lends it."""
        session = None if self._refused else self._open_asking(dialect, arguments, named)
        entry.info["lent"] = session is None or session.prepare_threshold is None
        session = session or _open_plainly(dialect, arguments, named)
        _insist_on_utf8(session)
        return session

    def _open_asking(self, dialect: Dialect, arguments: Any, named: dict[str, Any]) -> Any:
        """Open a session with its settings, or return `None` if a pooler refuses the request."""
        mark = secrets.token_hex(8)
        try:
            session = dialect.connect(*arguments, **named | {"options": _options(named, mark)})
        except Exception as error:
            if not _OPTIONS_REFUSED.search(str(error)):
                raise
            self._refused = True
            return None
        if not _is_in_force(session, mark):
            session.prepare_threshold = None
        return session


def _options(named: dict[str, Any], mark: str) -> str:
    """Return the options that the URL itself asks for, such as a schema, followed by ours."""
    ours = {**SESSION, _MARK: mark}
    return " ".join([named.get("options", ""), *(f"-c {n}={v}" for n, v in ours.items())]).strip()


def _is_in_force(session: Any, mark: str) -> bool:
    session.autocommit = True
    found = session.execute(_READ_MARK).fetchone()
    session.autocommit = False
    return bool(found == (mark,))


def _open_plainly(dialect: Dialect, arguments: Any, named: Mapping[str, Any]) -> Any:
    session: Any = dialect.connect(*arguments, **named)
    session.prepare_threshold = None
    return session


def _insist_on_utf8(session: Any) -> None:
    encoding = session.info.parameter_status("server_encoding")
    if encoding not in (None, "UTF8"):
        session.close()
        raise UnfitDatabaseError(encoding)


def _ask_where_lent(connection: Connection) -> None:
    """Request the settings for this transaction, if those from connecting are not in force."""
    if connection.info.get("lent"):
        connection.exec_driver_sql(_ASK_EACH_TIME)
