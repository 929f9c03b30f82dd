"""The text of a broadcast: whether it may be changed, how it looks, and what was seen of it."""

from dataclasses import dataclass

from nurture.domain.broadcasts.broadcast import Broadcast, BroadcastStatus, key_of
from nurture.rendering.preview import Preview
from nurture.services.broadcasts.drafts import BroadcastError, existing
from nurture.services.publishing.email_editor import find_editing, preview
from nurture.services.publishing.studio import find_email
from nurture.store.database import Connection, Database
from nurture.store.tables import broadcasts, drafts, subscribers
from nurture.store.tables.revisions import RevisionKind

_EMAIL = RevisionKind.EMAIL
_WRITABLE = (BroadcastStatus.DRAFT, BroadcastStatus.STOPPED)


class ChangedSinceError(BroadcastError):
    """A broadcast or its text was changed after the owner looked at it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What someone has looked at: the version of a broadcast and that of its unpublished text."""

    broadcast: int
    text: int


def is_writable(broadcast: Broadcast) -> bool:
    """Return whether the text may be changed: before it is sent, and while it is stopped."""
    return broadcast.status in _WRITABLE


def find_broadcast_of(database: Database, email: str) -> Broadcast | None:
    """Return the broadcast that the email `broadcast:KEY/email` belongs to."""
    with database.reading() as connection:
        return _broadcast_of(connection, email)


def insist_writable(database: Database, email: str) -> None:
    """Raise `BroadcastError` if the email belongs to a broadcast whose text may not be changed."""
    broadcast = find_broadcast_of(database, email)
    if broadcast is not None and not is_writable(broadcast):
        raise BroadcastError(
            f"“{broadcast.title}” is on its way or has been sent, so this was not saved.",
            remedy="Copy what you wrote, stop the broadcast, and put it in then.",
        )


def discard_changes(database: Database, email: str) -> bool:
    """Return to the published text of an email; return `False` if it is a broadcast's only text."""
    with database.writing() as connection:
        of_broadcast = _broadcast_of(connection, email) is not None
        if of_broadcast and find_email(connection, email) is None:
            return False
        drafts.discard_draft(connection, _EMAIL, email)
    return True


def see(database: Database, key: str) -> tuple[Broadcast, Seen]:
    """Return a broadcast and what there is to see of it; may raise `UnknownBroadcastError`."""
    with database.reading() as connection:
        found = existing(connection, key)
        return found, _seen(connection, found)


def refuse_unseen(database: Database, key: str, seen: Seen) -> Broadcast:
    """Return a broadcast if it is still what was seen; otherwise raise `ChangedSinceError`."""
    found, present = see(database, key)
    if present != seen:
        raise ChangedSinceError(
            f"“{found.title}” was changed in another window after you opened this page.",
            remedy="This is how it is now. Look at it again before you send it.",
        )
    return found


def preview_for(database: Database, key: str, person: int, public_url: str) -> Preview | None:
    """Return the email as that subscriber would see it, or `None` if there is none of the two.

    May raise `CheckError` or `UnknownBroadcastError`.
    """
    with database.reading() as connection:
        email = existing(connection, key).email_key
        reader = subscribers.find_subscriber(connection, person)
    editing = find_editing(database, email)
    if editing is None or reader is None:
        return None
    return preview(database, email, editing.written, public_url, reader.first_name)


def _seen(connection: Connection, broadcast: Broadcast) -> Seen:
    draft = drafts.find_draft(connection, _EMAIL, broadcast.email_key)
    return Seen(broadcast.version, draft.version if draft else 0)


def _broadcast_of(connection: Connection, email: str) -> Broadcast | None:
    key = key_of(email.partition("/")[0])
    return broadcasts.find_broadcast(connection, key) if key else None
