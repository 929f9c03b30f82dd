"""Drafts of broadcasts: writing one, changing it, and making one from another or from an email."""

from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from nurture.domain.broadcasts.broadcast import (
    BROADCAST_STREAMS,
    Broadcast,
    BroadcastStatus,
    When,
)
from nurture.domain.errors import NurtureError
from nurture.domain.subscribers.consent import Purpose
from nurture.services.publishing.email_editor import find_editing
from nurture.services.publishing.studio import Written, as_written, find_email, name_from
from nurture.store.database import Connection, Database
from nurture.store.tables import broadcast_enrolments, broadcasts, drafts
from nurture.store.tables.revisions import RevisionKind

#: More segments than this cannot be chosen together.
MOST_SEGMENTS = 20

#: How long a title may be; nobody but the owner reads it.
_LONGEST_TITLE = 200


class BroadcastError(NurtureError):
    """A broadcast cannot be written or changed like that; the message says why."""


class UnknownBroadcastError(BroadcastError):
    """There is no broadcast with that key."""


def new_draft(
    connection: Connection,
    *,
    key: str,
    title: str,
    stream: Purpose,
    written: Written,
    now: datetime,
    **settings: Any,
) -> Broadcast:
    """Store a new draft with its email; `settings` are further fields of `Broadcast`.

    May raise `BroadcastError`, for example if the key is taken. The text is not checked, so that
    half a sentence can be saved.
    """
    wanted = Broadcast(id=0, key=key, title=title.strip(), stream=stream, **settings)
    refuse_unfit(wanted)
    if broadcasts.find_broadcast(connection, key) is not None:
        raise BroadcastError(
            f"There is a broadcast “{key}” already.", remedy="Choose another name for this one."
        )
    stored = broadcasts.add_broadcast(connection, wanted, now)
    source, name = asdict(written), stored.email_key
    drafts.discard_draft(connection, RevisionKind.EMAIL, name)
    drafts.save_draft(connection, RevisionKind.EMAIL, name, source, version=0, based_on=0, now=now)
    return stored


def change_draft(database: Database, key: str, **settings: Any) -> Broadcast:
    """Change fields of a draft; return it. May raise `BroadcastError`."""
    with database.writing() as connection:
        found = hold_existing(connection, key)
        if found.status is not BroadcastStatus.DRAFT:
            raise BroadcastError(
                f"“{found.title}” has been sent, so only its text can be changed.",
                remedy="Duplicate it to send it to other people or at another time.",
            )
        changed = replace(found, **settings)
        refuse_unfit(changed)
        broadcasts.save_broadcast(connection, changed)
    return changed


def discard(database: Database, key: str) -> None:
    """Delete a draft and its email; may raise `BroadcastError`, as what was sent stays."""
    with database.writing() as connection:
        found = hold_existing(connection, key)
        if found.status is not BroadcastStatus.DRAFT:
            raise BroadcastError(
                f"“{found.title}” has been sent and cannot be deleted.",
                remedy="Stop it if it should go to nobody else.",
            )
        # An undo that was killed has left them, and no later broadcast of that name may have them.
        broadcast_enrolments.remove_readers(connection, found)
        drafts.discard_draft(connection, RevisionKind.EMAIL, found.email_key)
        broadcasts.remove_broadcast(connection, found.id)


def duplicate(database: Database, key: str, as_key: str, now: datetime) -> Broadcast:
    """Make a new draft with the text, the audience and the settings of a broadcast, to send now."""
    editing = find_editing(database, get_broadcast(database, key).email_key)
    with database.writing() as connection:
        found = hold_existing(connection, key)
        return new_draft(
            connection,
            key=as_key,
            title=found.title,
            stream=found.stream,
            written=_text(editing.written if editing else None, found.email_key),
            now=now,
            invites=found.invites,
            audience=found.audience,
            late_after=found.late_after,
            liveliest_first=found.liveliest_first,
        )


def from_email(
    database: Database, email: str, key: str, title: str, stream: Purpose, now: datetime
) -> Broadcast:
    """Make a new draft from the published email `sequence/email`; may raise `BroadcastError`."""
    with database.writing() as connection:
        source = find_email(connection, email)
        written = _text(as_written(source) if source else None, email)
        return new_draft(connection, key=key, title=title, stream=stream, written=written, now=now)


def get_broadcast(database: Database, key: str) -> Broadcast:
    """Return a broadcast; may raise `UnknownBroadcastError`."""
    with database.reading() as connection:
        return existing(connection, key)


def existing(connection: Connection, key: str) -> Broadcast:
    """Return a broadcast; may raise `UnknownBroadcastError`."""
    return _known(connection, broadcasts.find_broadcast(connection, key), key)


def hold_existing(connection: Connection, key: str) -> Broadcast:
    """Return a broadcast that nobody else changes; may raise `UnknownBroadcastError`."""
    return _known(connection, broadcasts.hold_broadcast(connection, key), key)


def free_key(connection: Connection, title: str, taken: Collection[str] = ()) -> str:
    """Return a key made from a title that no broadcast has."""
    name, number = name_from(title) or "broadcast", 1
    key = name
    while key in taken or broadcasts.find_broadcast(connection, key) is not None:
        number += 1
        key = f"{name}-{number}"
    return key


def refuse_unfit(broadcast: Broadcast) -> None:
    """Raise `BroadcastError` if a broadcast cannot be sent like that, whatever its text says."""
    if name_from(broadcast.key) != broadcast.key or not broadcast.key:
        raise BroadcastError(
            f"“{broadcast.key}” cannot be the name of a broadcast.",
            remedy="Use small letters, digits and hyphens, such as “march-news”.",
        )
    if not broadcast.title:
        raise BroadcastError("The broadcast has no title.", remedy="Give it one; only you see it.")
    if not broadcast.title.isprintable() or len(broadcast.title) > _LONGEST_TITLE:
        raise BroadcastError(
            "The title of the broadcast is not one line of text.",
            remedy=f"Give it one of at most {_LONGEST_TITLE} characters.",
        )
    if broadcast.stream not in BROADCAST_STREAMS:
        raise BroadcastError(
            f"A broadcast cannot be of “{broadcast.stream}”.",
            remedy="Choose “articles” or “news”, which people agree to apart.",
        )
    if len(broadcast.audience.segments) > MOST_SEGMENTS:
        raise BroadcastError(
            "These are too many segments.", remedy=f"Choose at most {MOST_SEGMENTS}."
        )
    if both := set(broadcast.audience.to) & set(broadcast.audience.besides):
        raise BroadcastError(
            f"The segment “{min(both)}” is both chosen and left out.", remedy="Decide which."
        )
    _refuse_unfit_time(broadcast)


def _refuse_unfit_time(broadcast: Broadcast) -> None:
    timing = broadcast.timing
    if timing.when is When.AT and timing.at is None:
        raise BroadcastError("It is not said when to send it.", remedy="Give a day and a time.")
    if timing.when is When.READERS and (timing.on is None or timing.hour is None):
        raise BroadcastError("It is not said on which day and at which hour.", remedy="Give both.")
    late = broadcast.late_after
    if late is not None and late.days < 1:
        raise BroadcastError(
            "It cannot be too late on the day it is sent.", remedy="Give one day or more."
        )


def _known(connection: Connection, found: Broadcast | None, key: str) -> Broadcast:
    if found is None:
        keys = [one.key for one in broadcasts.list_broadcasts(connection)[:20]]
        remedy = f"There are {', '.join(keys)}." if keys else "None has been written yet."
        raise UnknownBroadcastError(f"There is no broadcast “{key}”.", remedy=remedy)
    return found


def _text(written: Written | None, key: str) -> Written:
    if written is None:
        raise BroadcastError(
            f"There is no email “{key}”.", remedy="Name one as sequence/email, as “nurture check”."
        )
    return written
