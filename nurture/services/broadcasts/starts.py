"""Starting a broadcast: from nothing, from a published email, or as a copy of another broadcast."""

from datetime import datetime

from nurture.domain.broadcasts.broadcast import Broadcast
from nurture.domain.subscribers.consent import Purpose
from nurture.services.broadcasts import drafts
from nurture.services.publishing.sequence_editor import new_email
from nurture.services.publishing.studio import name_from
from nurture.store.database import Database

#: Leaves room for the number that distinguishes a key from others.
_LONGEST_STEM = 50

_GREETING = "Hello{% if first_name %} {{ first_name }}{% endif %},"


def start_blank(
    database: Database, title: str, stream: Purpose, signature: str, now: datetime
) -> Broadcast:
    """Make a draft with a greeting and a signature; may raise `BroadcastError`."""
    key = _free_key(database, title)
    text = new_email(title.strip(), "", f"{_GREETING}\n\n\n\n*{signature}*")
    with database.writing() as connection:
        return drafts.new_draft(
            connection, key=key, title=title, stream=stream, written=text, now=now
        )


def start_from_email(
    database: Database, email: str, title: str, stream: Purpose, now: datetime
) -> Broadcast:
    """Make a draft from the published email `sequence/email`; may raise `BroadcastError`."""
    return drafts.from_email(database, email, _free_key(database, title), title, stream, now)


def start_like(database: Database, key: str, now: datetime) -> Broadcast:
    """Make a draft like another broadcast, to send now; may raise `BroadcastError`."""
    title = f"{drafts.get_broadcast(database, key).title} (copy)"
    copy = drafts.duplicate(database, key, _free_key(database, title), now)
    return drafts.change_draft(database, copy.key, title=title)


def _free_key(database: Database, title: str) -> str:
    with database.reading() as connection:
        return drafts.free_key(connection, name_from(title)[:_LONGEST_STEM])
