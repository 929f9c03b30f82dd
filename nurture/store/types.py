"""Our own column types, and the metadata that all tables belong to."""

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData, Text, TypeDecorator

from nurture.domain.known_words import known, known_or_none
from nurture.domain.sequences.enrolment import Ending, EndReason, EnrolmentStatus

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, on every database.

    SQLite forgets time zones and returns naive values; passing in a naive value is a mistake in the
    caller and is refused.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; only aware datetimes are stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[frozenset[str]]):
    """A small set of keys, stored sorted in one text so that a row stays readable.

    A set that is not known is null in the database and is read as no keys.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else " ".join(sorted(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> frozenset[str]:
        return frozenset((value or "").split())


class Json(TypeDecorator[Any]):
    """A JSON document as text: stored as evidence, read whole, never searched by the database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def ending_as_text(ending: Ending | None) -> str | None:
    """Return an ending in its stored form."""
    return f"{ending.status}:{ending.because or ''}" if ending else None


def ending_from_text(stored: str | None) -> Ending | None:
    """Return an ending from its stored form."""
    if stored is None:
        return None
    status, _, because = stored.partition(":")
    ends_as = known(EnrolmentStatus, status, EnrolmentStatus.REMOVED)
    return Ending(ends_as, known_or_none(EndReason, because))
