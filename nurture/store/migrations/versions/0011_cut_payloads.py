"""Cut what providers and calendars told to what is needed, in the rows that are there.

The rule is written out here as it was on that day, because the program's own goes on changing.
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2b

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_CHUNK = 1000
_WORD = re.compile(
    r"[A-Za-z0-9_.:+/=~-]{1,200}"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[0-9.]{0,7} ?(Z|UTC|[+-][0-9:]{2,5})?"
)
_LINK = re.compile(r"https://[!-~]{1,1000}")
_ADDRESS = re.compile(r'(?:"[^"]*"|[^\s“”<>()\[\],;:"]+)@[^\s“”<>()\[\],;:"]+')
_QUERY = re.compile(r"(https?://[^\s?#<>\"]+)[?#][^\s<>\"]*", re.IGNORECASE)
_WHOSE = ("Recipient", "Email", "recipient", "email", "emailAddress")


def _words(names: str) -> dict:
    return dict.fromkeys(names.split(), "word")


def _texts(names: str) -> dict:
    return dict.fromkeys(names.split(), "text")


_TOLD = {**_words("status action"), **_texts("diagnosticCode")}
_POSTMARK = _words(
    "RecordType Type SuppressionReason ID MessageID DeliveredAt BouncedAt ReceivedAt ChangedAt"
)
_SENDGRID = _words("event type sg_event_id timestamp")
_BREVO = _words("event id ts_epoch ts_event date")
_MAILGUN = _words("event id timestamp")
_SES = _words("eventType notificationType") | {"mail": _words("messageId timestamp")}
_GENERIC = _words("id type occurred_at")
_CALENDLY = _words("event created_at")
_CAL = _words("triggerEvent createdAt")

#: By who told it: what is kept of what was understood, and of what was not.
_KEPT = {
    "postmark": (
        _POSTMARK
        | _words("TypeCode SuppressSending Origin Inactive FirstOpen MessageStream")
        | _texts("Details Description"),
        _POSTMARK,
    ),
    "sendgrid": (
        _SENDGRID
        | _words("sg_message_id status attempt sg_machine_open asm_group_id")
        | _texts("reason response bounce_classification"),
        _SENDGRID,
    ),
    "brevo": (_BREVO | _texts("reason"), _BREVO),
    "mailgun": (
        _MAILGUN
        | _words("severity log-level")
        | _texts("reason")
        | {
            "delivery-status": _words("code attempt-no enhanced-code bounce-code")
            | _texts("message description"),
            "reject": _texts("reason description"),
        },
        _MAILGUN,
    ),
    "ses": (
        _SES
        | {
            "bounce": _words("bounceType bounceSubType feedbackId timestamp")
            | {"bouncedRecipients": _TOLD},
            "complaint": _words("complaintFeedbackType complaintSubType feedbackId timestamp"),
            "delivery": _words("timestamp processingTimeMillis") | _texts("smtpResponse"),
            "deliveryDelay": _words("timestamp delayType expirationTime")
            | {"delayedRecipients": _TOLD},
            "reject": _texts("reason"),
            "open": _words("timestamp"),
            "click": _words("timestamp"),
            "subscription": _words("timestamp source"),
        },
        _SES | _words("Type MessageId Timestamp") | {"SubscribeURL": "link"},
    ),
    # The plain shapes of mail events and of bookings go by the same name.
    "generic": (_GENERIC | _words("permanent starts_at") | _texts("reason"), _GENERIC),
    "calendly": (
        _CALENDLY
        | {
            "payload": _words(
                "uri status rescheduled created_at updated_at old_invitee new_invitee"
            )
            | {
                "scheduled_event": _words("uri status start_time end_time"),
                "cancellation": _words("canceler_type created_at"),
            }
        },
        _CALENDLY | {"payload": _words("uri")},
    ),
    "cal": (
        _CAL
        | {
            "payload": _words(
                "uid bookingId rescheduleUid rescheduleId eventTypeId status"
                " startTime endTime rescheduleStartTime rescheduleEndTime"
            )
        },
        _CAL | {"payload": _words("uid bookingId")},
    ),
}

#: Where a calendar says when a session starts.
_STARTS = {
    "calendly": ("payload", "scheduled_event", "start_time"),
    "cal": ("payload", "startTime"),
    "generic": ("starts_at",),
}


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        # What is overwritten is not to be read in the file afterwards.
        connection.execute(sa.text("PRAGMA secure_delete = ON"))
    _cut_events(connection)
    _mask(connection, "suppressions", "address_hash", "detail")
    _mask(connection, "messages", "id", "reason")


def downgrade() -> None:
    pass  # What is gone is gone.


def _cut_events(connection: sa.Connection) -> None:
    events = sa.table("events", *map(sa.column, ("id", "kind", "source", "source_key", "raw")))
    columns = (events.c.id, events.c.kind, events.c.source, events.c.source_key, events.c.raw)
    told = sa.select(*columns).where(events.c.source.in_(sorted(_KEPT))).order_by(events.c.id)
    change = (
        sa.update(events)
        .where(events.c.id == sa.bindparam("row"))
        .values(raw=sa.bindparam("cut"), source_key=sa.bindparam("named"))
    )
    last = 0
    while rows := connection.execute(told.where(events.c.id > last).limit(_CHUNK)).all():
        connection.execute(
            change,
            [
                {
                    "row": row.id,
                    "cut": _cut_raw(row.source, row.kind, row.raw),
                    "named": _named(row.source, row.source_key),
                }
                for row in rows
            ],
        )
        last = rows[-1].id


def _mask(connection: sa.Connection, table: str, key: str, column: str) -> None:
    rows = sa.table(table, sa.column(key), sa.column(column))
    text, number = rows.c[column], rows.c[key]
    change = (
        sa.update(rows).where(number == sa.bindparam("row")).values({column: sa.bindparam("said")})
    )
    found = sa.select(number, text).where(text.like("%@%")).order_by(number)
    last = None
    while True:
        chunk = found if last is None else found.where(number > last)
        told = connection.execute(chunk.limit(_CHUNK)).all()
        if not told:
            return
        connection.execute(change, [{"row": row[0], "said": _masked(row[1], [])} for row in told])
        last = told[-1][0]


def _named(source: str, source_key: str) -> str:
    event_id = source_key.removeprefix(f"{source}:")
    if "@" not in event_id:
        return source_key
    return f"{source}:{blake2b(event_id.encode(), digest_size=16).hexdigest()}"


def _cut_raw(source: str, kind: str, raw: str | None) -> str | None:
    if raw is None:
        return None
    values = json.loads(raw)
    if not isinstance(values, dict):
        return "{}"
    known, unknown = _KEPT[source]
    kept = _cut(values, unknown if kind == "unknown" else known, list(_names(values)))
    starts_at = _starts_at(values, _STARTS.get(source, ())) if kind != "unknown" else None
    return json.dumps(kept | ({"starts_at": starts_at} if starts_at else {}), ensure_ascii=False)


def _cut(values: dict, fields: dict, names: list[str]) -> dict:
    kept = {name: _kept(values.get(name), how, names) for name, how in fields.items()}
    return {name: value for name, value in kept.items() if value is not None}


def _kept(value: object, how: object, names: list[str]) -> object:
    if isinstance(value, list):
        items = [_kept(item, how, names) for item in value[:20]]
        return [item for item in items if item is not None] or None
    if isinstance(how, dict):
        return (_cut(value, how, names) or None) if isinstance(value, dict) else None
    if isinstance(value, bool | int | float):
        return value if abs(value) < 10**20 else None
    if not isinstance(value, str):
        return None
    if how == "text":
        return _masked(value, names)
    return value if (_WORD if how == "word" else _LINK).fullmatch(value) else None


def _masked(text: str, names: list[str]) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text[:2000])
    if len(text) > 2000:
        plain = plain.rpartition(" ")[0]
    plain = _ADDRESS.sub(lambda found: _without_name(found[0]), _QUERY.sub(r"\1", plain))
    for name in names:
        plain = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w•])", "•••", plain, flags=re.I)
    return plain[:500]


def _without_name(address: str) -> str:
    name, _, domain = address.rstrip(".").rpartition("@")
    return f"{name[:1]}•••@{domain}"


def _names(value: object) -> Iterator[str]:
    """The names of the mailboxes that a payload is about."""
    if isinstance(value, list):
        for item in value:
            yield from _names(item)
    if isinstance(value, dict):
        for key, inner in value.items():
            name = inner.rpartition("@")[0].strip() if isinstance(inner, str) else ""
            if key in _WHOSE and len(name) >= 3:
                yield name
            yield from _names(inner)


def _starts_at(values: object, path: tuple[str, ...]) -> str | None:
    for name in path:
        values = values.get(name) if isinstance(values, dict) else None
    try:
        moment = datetime.fromisoformat(values) if isinstance(values, str) else None
        return moment.astimezone(UTC).isoformat() if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
