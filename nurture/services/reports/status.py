"""The status report."""

from datetime import datetime
from pathlib import Path
from typing import Any

from nurture import __version__
from nurture.domain.account.presets import NO_CHOICES, AccountChoices
from nurture.domain.errors import NurtureError
from nurture.files.witness import Witness
from nurture.services.account.outlook import account_report
from nurture.services.tracking.journal import waiting_in
from nurture.services.tracking.remains import count_set_aside
from nurture.store.database import Database
from nurture.store.queries import funnel
from nurture.store.queries.due import count_due, find_next_look
from nurture.store.tables import (
    events,
    hits_beyond,
    instance,
    messages,
    sequences,
    subscribers,
)

_IN_HAND = ("claimed", "sending")


class RestoreUnfinishedError(NurtureError):
    """A database whose restore was not completed must not send."""


def status(
    database: Database,
    fingerprint: str,
    witness: Witness,
    now: datetime,
    fixed: AccountChoices = NO_CHOICES,
) -> dict[str, Any]:
    """Return the status as plain values.

    `due_now` counts enrolments due now and messages being sent; `next_due_at` is the next due time
    in ISO 8601, UTC, or null.
    """
    seen = witness.seen()
    with database.reading() as connection:
        by_status = messages.count_messages(connection)
        in_hand = sum(by_status.get(one, 0) for one in _IN_HAND)
        next_look = find_next_look(connection)
        account = account_report(connection, fixed, now)
        if account["until"] and next_look:
            next_look = max(next_look, datetime.fromisoformat(account["until"]))
        return {
            "version": __version__,
            "armed": instance.is_armed(connection, fingerprint, seen),
            "subscribers": subscribers.count_subscribers(connection),
            "enrolments": funnel.count_enrolments(connection),
            "messages": by_status,
            "events": events.count_events(connection),
            "due_now": count_due(connection, now) + in_hand,
            "next_due_at": next_look.isoformat() if next_look else None,
            "account": account,
            "paused": sorted(sequences.paused_keys(connection)),
            "in_doubt": [_doubt(doubt) for doubt in messages.doubts(connection)],
        }


def is_armed(database: Database, fingerprint: str, witness: Witness) -> bool:
    """Return whether this database may send; cheap, however many people are in it."""
    seen = witness.seen()
    with database.reading() as connection:
        return instance.is_armed(connection, fingerprint, seen)


def hits_standing(database: Database, journals: Path) -> dict[str, int]:
    """Return the state of opens and clicks: what is not stored, and the bytes in our `journals`.

    `only_counted` are hits above the limit stored per message, `unreadable` journal lines that no
    version of this program wrote.
    """
    with database.reading() as connection:
        counted = hits_beyond.count_all(connection)
    return {
        "journal_bytes": waiting_in(journals),
        "only_counted": counted,
        "unreadable": count_set_aside(journals),
    }


def _doubt(doubt: messages.MessageInDoubt) -> dict[str, Any]:
    return {
        "message": doubt.message,
        "subscriber": doubt.subscriber,
        "step": doubt.step,
        "since": doubt.since.isoformat(),
        "why": doubt.why,
    }


def arm(database: Database, fingerprint: str, witness: Witness, now: datetime) -> None:
    """Let the instance with that fingerprint send from now on, and no other."""
    with database.writing() as connection:
        if instance.is_being_restored(connection):
            raise RestoreUnfinishedError(
                "A restore into this database was broken off, so who said no is not known.",
                remedy="Make an empty database and restore the backup once more.",
            )
        instance.arm(connection, fingerprint, now)
        come = instance.how_far(connection)
    witness.set(come)
