"""Sending a broadcast, and taking it back: undo within five minutes, stop after that, resume."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from nurture.domain.broadcasts.broadcast import (
    UNDO_WITHIN,
    Broadcast,
    BroadcastStatus,
    When,
    pressed,
    resumed,
    stopped,
    undone,
)
from nurture.domain.messages.status import TAKEN, MessageStatus
from nurture.domain.reasons import Code, Reason
from nurture.services.broadcasts.drafts import BroadcastError, existing, hold_existing
from nurture.services.broadcasts.freezing import audience_of, begin_freezing, due_in, take_back
from nurture.services.catalogue import Catalogue, Published
from nurture.services.publishing.revisions import Draft, Publication, store_draft
from nurture.services.publishing.studio import Written, checked_email
from nurture.store.database import Connection, Database
from nurture.store.tables import (
    broadcast_enrolments,
    broadcasts,
    drafts,
    enrolments,
    message_changes,
    subscribers,
)
from nurture.store.tables.drafts import SavedDraft
from nurture.store.tables.revisions import Author, RevisionKind, find_newest

#: How long stopping waits for what a mail server is being offered, and how often it looks.
_WAITS_SECONDS, _LOOKS_EVERY = 20.0, 0.05

_EMAIL = RevisionKind.EMAIL


class TooLateToUndoError(BroadcastError):
    """The broadcast may have begun to leave, so that it can only be stopped."""


@dataclass(frozen=True, slots=True)
class BroadcastState:
    """A broadcast, and how far it has got.

    `left` is how many emails a mail server has accepted, `on_connection` how many it is being
    offered at this moment, `in_doubt` how many it may have, and `waiting` how many people await it.
    """

    broadcast: Broadcast
    left: int = 0
    on_connection: int = 0
    in_doubt: int = 0
    waiting: int = 0
    ends: Mapping[str, int] = field(default_factory=dict)


def send(database: Database, catalogue: Catalogue, key: str, now: datetime) -> Broadcast:
    """Send a draft: nothing leaves for five minutes, or before its time.

    Its text is checked and published, and its audience decided if that takes seconds; workers go on
    with a larger one. May raise `CheckError` with every finding, or
    `BroadcastError`. It is safe to repeat: a broadcast that is being sent stays as it is.
    """
    found = _without_remains(database, key)
    if found.status is BroadcastStatus.SENDING:
        return found
    if found.status is not BroadcastStatus.DRAFT:
        raise BroadcastError(
            f"“{found.title}” has been sent already.",
            remedy="Resume it if it is stopped, or duplicate it to send it again.",
        )
    draft, saved = _checked(database, found)
    with database.writing() as connection:
        held = hold_existing(connection, key)
        _refuse_changed(connection, found, held, saved)
        published = catalogue.current(connection)
        audience_of(published, held, now)
        refuse_impossible_time(published, held, now)
        _publish(connection, held, draft, now)
        sent = _press(connection, published, replace(held, presses=0, counts={}), now)
    begin_freezing(database, catalogue, sent, now)
    return sent


def send_to_new(
    database: Database, catalogue: Catalogue, key: str, now: datetime, presses: int | None = None
) -> Broadcast:
    """Send a broadcast also to those who have come into its audience since it was sent.

    It can be undone for five minutes. With `presses`, nothing happens unless “Send” has been
    pressed that often, so that a press that arrives twice counts once. May raise `BroadcastError`.
    """
    with database.writing() as connection:
        held = hold_existing(connection, key)
        if presses is not None and held.presses != presses:
            return held
        if held.status not in (BroadcastStatus.SENDING, BroadcastStatus.FINISHED):
            raise BroadcastError(
                f"“{held.title}” is not being sent.", remedy="Send or resume it first."
            )
        if held.is_freezing:
            raise BroadcastError(
                f"The audience of “{held.title}” is not complete yet.",
                remedy="Wait until it is; people who join before that are in it.",
            )
        published = catalogue.current(connection)
        audience_of(published, held, now)
        sent = _press(connection, published, held, now)
    begin_freezing(database, catalogue, sent, now)
    return sent


def undo(database: Database, key: str, now: datetime) -> Broadcast:
    """Take back the last press of “Send” before anything has left; nobody gets it.

    May raise `TooLateToUndoError`. It is safe to repeat.
    """
    with database.writing() as connection:
        held = hold_existing(connection, key)
        if held.status is BroadcastStatus.DRAFT:
            return held
        # A clock may have been set back since, or that of a worker may be ahead.
        has_begun = broadcast_enrolments.has_begun_to_leave(connection, held)
        if has_begun or not held.can_be_undone(now):
            raise TooLateToUndoError(
                f"“{held.title}” may have begun to leave, so it cannot be undone any more.",
                remedy=f"Stop it with “nurture broadcast stop {key}”.",
            )
        after = _undone(connection, held, now)
    return _without_remains(database, after.key)


def stop(
    database: Database, key: str, now: datetime, wait: float = _WAITS_SECONDS
) -> BroadcastState:
    """Stop a broadcast: only what is on a connection at this moment still leaves.

    Wait until that is known, for at most `wait` seconds, and return how many had left. It is safe
    to repeat. May raise `BroadcastError`.
    """
    with database.writing() as connection:
        held = hold_existing(connection, key)
        if held.status is BroadcastStatus.DRAFT:
            raise BroadcastError(f"“{held.title}” has not been sent.", remedy="Send it first.")
        if held.status is BroadcastStatus.SENDING:
            broadcasts.save_broadcast(connection, stopped(held, now))
            why = Reason(Code.BROADCAST_WAS_STOPPED, sequence=held.sequence_key)
            taken = message_changes.cancel_claimed(connection, held.sequence_key, why)
            enrolments.look_at_once(connection, enrolments.of_enrolments(taken), now)
    until = time.monotonic() + wait
    while _in_hand(database, held) and time.monotonic() < until:
        time.sleep(_LOOKS_EVERY)
    return find_state(database, key)


def resume(database: Database, catalogue: Catalogue, key: str, now: datetime) -> Broadcast:
    """Send a stopped broadcast to the rest, with its text as it is written now.

    Those who have got it do not get it again. It is safe to repeat. May raise `CheckError` or
    `BroadcastError`.
    """
    with database.reading() as connection:
        found = existing(connection, key)
    if found.status is BroadcastStatus.SENDING:
        return found
    if found.status is not BroadcastStatus.STOPPED:
        raise BroadcastError(f"“{found.title}” is not stopped.", remedy="There is nothing to do.")
    draft, saved = _checked(database, found, or_published=True)
    with database.writing() as connection:
        held = hold_existing(connection, key)
        _refuse_changed(connection, found, held, saved)
        if held.frozen_at is None:
            audience_of(catalogue.current(connection), held, now)
        _publish(connection, held, draft, now)
        counts = {name: one for name, one in held.counts.items() if name != "trouble"}
        after = replace(resumed(held, now), counts=counts)
        broadcasts.save_broadcast(connection, after)
    return after


def find_state(database: Database, key: str) -> BroadcastState:
    """Return a broadcast and how far it has got; may raise `BroadcastError`."""
    with database.reading() as connection:
        return state_of(connection, existing(connection, key))


def list_states(database: Database) -> list[BroadcastState]:
    """Return every broadcast and how far it has got, the newest first."""
    with database.reading() as connection:
        return [state_of(connection, one) for one in broadcasts.list_broadcasts(connection)]


def list_open(database: Database) -> list[Broadcast]:
    """Return the broadcasts that are not finished, drafts included, the newest first."""
    with database.reading() as connection:
        found = broadcasts.list_broadcasts(connection)
    return [one for one in found if one.status is not BroadcastStatus.FINISHED]


def state_of(connection: Connection, broadcast: Broadcast) -> BroadcastState:
    """Return how far a broadcast has got."""
    counted = broadcast_enrolments.count_messages(connection, broadcast)
    ends: dict[str, int] = {}
    for (status, because), number in broadcast_enrolments.count_ends(connection, broadcast).items():
        ends[because or status] = ends.get(because or status, 0) + number
    return BroadcastState(
        broadcast,
        left=sum(number for status, number in counted.items() if status in TAKEN),
        on_connection=counted.get(MessageStatus.SENDING, 0),
        in_doubt=counted.get(MessageStatus.IN_DOUBT, 0),
        waiting=ends.pop("active", 0),
        ends=ends,
    )


def _press(
    connection: Connection, published: Published, broadcast: Broadcast, now: datetime
) -> Broadcast:
    """Record a press of “Send”; the audience reaches up to the person who came last."""
    begun = replace(broadcast, pressed_at=now)
    zones = [published.practice.time_zone]
    if broadcast.timing.when is When.READERS:
        zones = subscribers.time_zones(connection) or zones
    leaves_at = min(due_in(published, begun, zone, now) for zone in zones)
    after = pressed(broadcast, now, max(leaves_at, now + UNDO_WITHIN))
    upto = subscribers.last_number(connection)
    is_now = broadcast.timing.when is When.NOW
    # For any other time people may join until the audience is decided.
    ends = {"frozen_to": 0, "frozen_upto": upto if is_now else broadcasts.EVERYONE}
    broadcasts.save_broadcast(connection, after, **ends)
    return after


def _undone(connection: Connection, held: Broadcast, now: datetime) -> Broadcast:
    if held.presses > 1:
        removed = broadcast_enrolments.remove_readers(connection, held, of_press=held.presses)
        before = replace(
            held,
            presses=held.presses - 1,
            counts={**held.counts, "reached": held.counts.get("reached", 0) - removed},
            pressed_at=None,
            leaves_at=now,
            frozen_at=now,
        )
        broadcasts.save_broadcast(connection, before)
        return before
    after = undone(held)
    broadcasts.save_broadcast(connection, after, frozen_to=broadcasts.EVERYONE)
    published = find_newest(connection, _EMAIL, held.email_key)
    if published is not None and drafts.find_draft(connection, _EMAIL, held.email_key) is None:
        source = {name: published.source[name] for name in ("format", "content", "text")}
        numbers = {"version": 0, "based_on": published.number}
        drafts.save_draft(connection, _EMAIL, held.email_key, source, now=now, **numbers)
    return after


def _without_remains(database: Database, key: str) -> Broadcast:
    """Return a broadcast, once nothing is left of a press that was undone."""
    with database.reading() as connection:
        found = existing(connection, key)
        remains = (
            found.status is BroadcastStatus.DRAFT
            and broadcasts.frozen_range(connection, found.id)[0]
        )
    if remains:
        take_back(database, found)
    return found


def _checked(
    database: Database, broadcast: Broadcast, *, or_published: bool = False
) -> tuple[Draft | None, SavedDraft | None]:
    """Return what is to be published of the email, and the draft it is made from."""
    with database.reading() as connection:
        saved = drafts.find_draft(connection, _EMAIL, broadcast.email_key)
    if saved is not None:
        written = Written.of(saved.source)
        return checked_email(database, broadcast.email_key, written), saved
    if not or_published:
        raise BroadcastError(f"“{broadcast.title}” has no email.", remedy="Write it first.")
    return None, None


def _refuse_changed(
    connection: Connection, found: Broadcast, held: Broadcast, saved: SavedDraft | None
) -> None:
    """Raise `BroadcastError` if anything was changed while the text was being checked."""
    now_saved = drafts.find_draft(connection, _EMAIL, held.email_key)
    same = (now_saved.version if now_saved else None) == (saved.version if saved else None)
    if held.version != found.version or not same:
        raise BroadcastError(
            f"“{held.title}” was changed just now in another window.",
            remedy="Look at it again before you send it.",
        )


def refuse_impossible_time(published: Published, broadcast: Broadcast, now: datetime) -> None:
    """Raise `BroadcastError` if the time has passed, or is outside the sending hours."""
    refuse_odd_hour(published, broadcast)
    _refuse_past(broadcast, now)


def refuse_odd_hour(published: Published, broadcast: Broadcast) -> None:
    """Raise `BroadcastError` if the hour on readers' clocks is outside the sending hours."""
    timing, hours = broadcast.timing, published.calendar.window
    if timing.hour is not None and not hours.opens <= timing.hour < hours.closes:
        raise BroadcastError(
            f"{timing.hour:%H:%M} is outside the hours in which emails are sent.",
            remedy=f"Choose one from {hours.opens:%H:%M} to before {hours.closes:%H:%M}.",
        )


def _refuse_past(broadcast: Broadcast, now: datetime) -> None:
    timing = broadcast.timing
    over = timing.when is When.AT and timing.at is not None and timing.at < now
    over |= timing.when is When.READERS and timing.on is not None and timing.on < now.date()
    if over:
        raise BroadcastError(
            "The time to send it has passed.", remedy="Choose another time, or send it now."
        )


def _publish(
    connection: Connection, broadcast: Broadcast, draft: Draft | None, now: datetime
) -> None:
    """Store the text as the newest revision, which what is sent from now on is made from."""
    if draft is None:
        return
    present = find_newest(connection, _EMAIL, broadcast.email_key)
    if present is None or present.digest != draft.digest:
        of_owner = replace(draft, author=Author.OWNER)
        store_draft(connection, of_owner, present, Publication(), now)
    drafts.discard_draft(connection, _EMAIL, broadcast.email_key)


def _in_hand(database: Database, broadcast: Broadcast) -> int:
    with database.reading() as connection:
        return broadcast_enrolments.count_in_hand(connection, broadcast)
