"""Keep why enrolments ended and who paused, bookings of people not yet known, and boxes seen."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import sqlalchemy as sa
from alembic import op

from nurture.domain.audience.facts import Happened
from nurture.domain.subscribers.bookings import BOOKINGS, booked_until
from nurture.domain.tracking.events import EventKind
from nurture.store.types import Json, UtcDateTime

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MOMENT = UtcDateTime(timezone=True)
_NEW = {
    "enrolments": {"ended_because": sa.Text(), "ends_as": sa.Text()},
    "subscribers": {"paused_by": sa.Text(), "booked_until": _MOMENT, "boxes_seen_at": _MOMENT},
    "events": {"booker": sa.Text()},
}

_events = sa.table(
    "events",
    sa.column("id", sa.Integer),
    sa.column("kind", sa.Text),
    sa.column("subscriber_id", sa.Integer),
    sa.column("happened_at", _MOMENT),
    sa.column("source", sa.Text),
    sa.column("raw", Json),
)
_subscribers = sa.table(
    "subscribers",
    sa.column("id", sa.Integer),
    sa.column("paused_until", _MOMENT),
    sa.column("paused_by", sa.Text),
    sa.column("booked_until", _MOMENT),
)

#: What can be known of enrolments that ended before reasons were kept; the first that fits.
_BECAUSE = (
    ("erased", "EXISTS (SELECT 1 FROM subscribers s WHERE s.id = {e}.subscriber_id AND s.erased)"),
    ("completed", "{e}.status = 'completed'"),
    (
        "taken_out",
        "{e}.status = 'removed' AND EXISTS (SELECT 1 FROM events h WHERE {at_its_end}"
        " AND h.kind = 'removed' AND h.source = 'studio'"
        " AND h.raw = '{{\"sequence\": \"' || {e}.sequence || '\"}}')",
    ),
    ("not_collected", "{e}.status = 'removed' AND {e}.collected_at IS NULL"),
    (
        "unsubscribed_by_owner",
        "{e}.status = 'unsubscribed' AND EXISTS (SELECT 1 FROM events h WHERE {at_its_end}"
        " AND h.kind = 'unsubscribed' AND h.source = 'studio')",
    ),
    (
        "unsubscribed",
        "{e}.status = 'unsubscribed' AND EXISTS (SELECT 1 FROM events h WHERE {at_its_end}"
        " AND h.kind = 'unsubscribed')",
    ),
    (
        "silent",
        "{e}.status = 'unsubscribed' AND EXISTS (SELECT 1 FROM consents c WHERE"
        " c.subscriber_id = {e}.subscriber_id AND c.recorded_at = {e}.ended_at"
        " AND c.source = 'quiet')",
    ),
    (
        "bounced",
        "{e}.status = 'suppressed' AND EXISTS (SELECT 1 FROM suppressions x JOIN subscribers s"
        " ON s.address_hash = x.address_hash WHERE s.id = {e}.subscriber_id"
        " AND x.reason = 'bounced')",
    ),
    (
        "complained",
        "{e}.status = 'suppressed' AND EXISTS (SELECT 1 FROM suppressions x JOIN subscribers s"
        " ON s.address_hash = x.address_hash WHERE s.id = {e}.subscriber_id"
        " AND x.reason = 'complained')",
    ),
    (
        "stayed",
        "{e}.status = 'goal_reached' AND EXISTS (SELECT 1 FROM events h WHERE {at_its_end}"
        " AND h.kind = 'stayed')",
    ),
    (
        "booked",
        "{e}.status = 'goal_reached' AND EXISTS (SELECT 1 FROM events h WHERE"
        " h.subscriber_id = {e}.subscriber_id AND h.kind IN ('booked', 'rescheduled'))",
    ),
)
_AT_ITS_END = "h.subscriber_id = {e}.subscriber_id AND h.happened_at = {e}.ended_at"


def upgrade() -> None:
    for table, columns in _NEW.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, kind in columns.items():
                batch_op.add_column(sa.Column(name, kind, nullable=True))
    where = sa.text("booker IS NOT NULL")
    op.create_index(
        "ix_events_booker", "events", ["booker"], sqlite_where=where, postgresql_where=where
    )
    _say_why()
    _say_who_paused()
    _know_bookings()
    op.execute(
        "UPDATE subscribers SET boxes_seen_at = (SELECT max(h.happened_at) FROM events h WHERE"
        " h.subscriber_id = subscribers.id AND h.kind = 'downloaded' AND h.source = 'guide-page')"
        " WHERE NOT erased"
    )


def _say_why() -> None:
    at_its_end = _AT_ITS_END.format(e="enrolments")
    for because, where in _BECAUSE:
        fits = where.format(e="enrolments", at_its_end=at_its_end)
        op.execute(  # What is put together stands above.
            f"UPDATE enrolments SET ended_because = '{because}' WHERE ended_because IS NULL"
            f" AND status <> 'active' AND {fits}"
        )


def _say_who_paused() -> None:
    connection = op.get_bind()
    paused = sa.select(_subscribers).where(_subscribers.c.paused_until.is_not(None))
    for person in connection.execute(paused).all():
        said = sa.select(_events.c.raw).where(
            _events.c.subscriber_id == person.id,
            _events.c.kind == "paused",
            _events.c.source == "studio",
        )
        by_owner = any(_until(raw) == person.paused_until for raw in connection.scalars(said))
        connection.execute(
            sa.update(_subscribers)
            .where(_subscribers.c.id == person.id)
            .values(paused_by="owner" if by_owner else "person")
        )


def _until(raw: dict[str, str] | None) -> datetime | None:
    return datetime.fromisoformat(raw["until"]) if raw and "until" in raw else None


def _know_bookings() -> None:
    """Note until when people have been booked, and whose address the events are about."""
    connection = op.get_bind()
    op.execute(
        "UPDATE events SET booker = (SELECT s.address_hash FROM subscribers s"
        " WHERE s.id = events.subscriber_id AND NOT s.erased)"
        " WHERE kind IN ('booked', 'rescheduled', 'cancelled') AND subscriber_id IS NOT NULL"
    )
    told = (
        sa.select(_events.c.subscriber_id, _events.c.kind, _events.c.happened_at)
        .where(_events.c.kind.in_([str(kind) for kind in BOOKINGS]))
        .where(_events.c.subscriber_id.is_not(None))
        .order_by(_events.c.subscriber_id)
    )
    rows = connection.execute(told).all()
    for number, of_one in groupby(rows, key=lambda row: row.subscriber_id):
        until = booked_until(Happened(EventKind(row.kind), row.happened_at) for row in of_one)
        connection.execute(
            sa.update(_subscribers).where(_subscribers.c.id == number).values(booked_until=until)
        )


def downgrade() -> None:
    op.drop_index("ix_events_booker", table_name="events")
    for table, columns in _NEW.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name in columns:
                batch_op.drop_column(name)
