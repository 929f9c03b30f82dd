"""The rows: database rows that are stuck, or that wait for the owner."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from nurture.services.account import words
from nurture.services.account.hold import state_of
from nurture.services.broadcasts.feed_source import FeedSource, failing_since
from nurture.services.health.finding import Finding, doubtful, failed, fine
from nurture.services.reports.dashboard import count_late
from nurture.services.tracking.fold import waiting_since
from nurture.store.database import Connection
from nurture.store.queries import claims
from nurture.store.tables import bounces, instance, messages, owners
from nurture.store.tables.feed_state import FeedState
from nurture.store.tables.holds import count_held
from nurture.store.tables.mailboxes import MailboxState
from nurture.store.tables.refused_calls import BOXES, count_refusals

#: Work that takes workers seconds or a minute is stuck after this long.
STUCK = timedelta(minutes=10)

#: A refused call is reported for this long.
_REFUSED_LATELY = timedelta(days=2)

#: The mailbox is read every few minutes.
_READ_WITHIN = timedelta(minutes=30)

#: The feed is read every hour.
_FOLLOWED_WITHIN = timedelta(hours=3)

_ARE_THEY_RUNNING = "See that “nurture serve”, or a worker and a beat, are running: var/logs."


@dataclass(frozen=True, slots=True)
class Moments:
    """Business time, and the real time by which leases expire."""

    now: datetime
    real_now: datetime


def sending(
    connection: Connection, fingerprint: str, seen: int, moments: Moments
) -> Iterator[Finding]:
    """Check that what is due is sent."""
    armed = instance.is_armed(connection, fingerprint, seen)
    if not armed:
        said = "This database is a copy, or was restored, and sends nothing."
        remedy = "Run “nurture arm”, once no other copy of it sends."
        yield failed("sending", said, remedy)
    yield from _account(connection, moments.now)
    held_up = state_of(connection, moments.now).hold is not None
    late = count_late(connection, moments.now) if armed and not held_up else 0
    if late:
        said = f"{late} enrolments have been due for more than ten minutes, and nobody takes them."
        yield failed("sending", said, _ARE_THEY_RUNNING)
    if armed and not late and not held_up:
        yield fine("sending", "Nothing that is due is left waiting.")


def _account(connection: Connection, now: datetime) -> Iterator[Finding]:
    held = state_of(connection, now).hold
    if held is None:
        return
    said = f"{words.what_is_wrong(held)}: {held.reason}"
    until = f"{held.until:%-d %B, %H:%M} UTC"
    if to_do := words.what_to_do(held, now):
        yield failed("mail account", said, to_do)
    else:
        remedy = f"Wait: it is tried again at {until}. “nurture account try” does so at once."
        yield doubtful("mail account", said, remedy)


def left_over(connection: Connection, moments: Moments) -> Iterator[Finding]:
    """Check for anything begun but never finished."""
    if count := len(messages.doubts(connection)):
        said = f"{count} messages are in doubt: they may have been sent or not."
        remedy = "“nurture status” lists them; say what became of each with “nurture settle”."
        yield doubtful("in doubt", said, remedy)
    if count := claims.count_expired(connection, moments.real_now - STUCK):
        said = f"{count} messages have been in hand for long, of workers that are gone."
        yield failed("in hand", said, _ARE_THEY_RUNNING)
    if count := count_held(connection):
        said = f"{count} enrolments are held since a backup was restored."
        remedy = (
            "“nurture held list” says what; then “nurture held release” or “nurture held drop”."
        )
        yield doubtful("held", said, remedy)
    if jump := bounces.find_jump(connection):
        said = f"{jump.bounced} of {jump.accepted} emails came back, so nothing is sent."
        remedy = "Say what it was: “nurture suppression confirm” or “nurture suppression dismiss”."
        yield failed("bounces", said, remedy)


def hits(connection: Connection, journals: Path, moments: Moments) -> Iterator[Finding]:
    """Check that opens and clicks on this machine reach the database."""
    since = waiting_since(connection, journals)
    if since is not None and moments.now - since > STUCK:
        said = f"Opens and clicks have waited in {journals} since {since:%-d %B, %H:%M} UTC."
        yield doubtful("hits", said, f"A worker on this machine folds them. {_ARE_THEY_RUNNING}")


def callers(connection: Connection, now: datetime) -> Iterator[Finding]:
    """Check that calls from the website and providers are understood."""
    for (door, name), found in sorted(count_refusals(connection).items()):
        if now - found.last_at > _REFUSED_LATELY:
            continue
        at = f"{found.last_at:%-d %B, %H:%M} UTC"
        said = f"Calls of {door}/{name} are refused: {found.count} are kept, the last of {at}."
        if door == BOXES:
            said = f"Signups of {name} tick a box that nobody here knows, the last at {at}."
        yield doubtful("callers", said, "The studio’s settings say of each what was wrong with it.")


def mailbox(state: MailboxState | None, now: datetime) -> Iterator[Finding]:
    """Check that the mailbox is read, if one is set."""
    if state is None:
        return
    if state.trouble and state.trouble_since:
        since = f"{state.trouble_since:%-d %B, %H:%M} UTC"
        said = f"What comes back to you is not read since {since}: {state.trouble}"
        yield failed("mailbox", said, "Until then no bounce or reply in it counts.")
    elif state.read_at is None or now - state.read_at > _READ_WITHIN:
        yield doubtful("mailbox", "The mailbox has not been read lately.", _ARE_THEY_RUNNING)
    else:
        yield fine("mailbox", f"The mailbox was read on {state.read_at:%-d %B, %H:%M} UTC.")
    if state.skipped_at and now - state.skipped_at < _REFUSED_LATELY:
        said = f"{state.skipped} mails in the mailbox could not be taken in and were passed over."
        yield doubtful("mailbox", said, "The worker’s log in var/logs says when and why.")


def feed(source: FeedSource, state: FeedState, now: datetime) -> Iterator[Finding]:
    """Check that the blog's feed is read, if one is set."""
    if not source.url(state):
        return
    if since := failing_since(source, state, now):
        said = f"The blog’s feed has not been read since {since:%-d %B, %H:%M} UTC: {state.trouble}"
        yield failed("feed", said, "Until then new posts become no drafts: “nurture feed read”.")
    elif state.trouble:
        said = f"The blog’s feed could not be read the last time: {state.trouble}"
        yield doubtful(
            "feed", said, "It is tried again every hour. “nurture feed read” does so now."
        )
    elif state.read_at is None or now - state.read_at > _FOLLOWED_WITHIN:
        yield doubtful("feed", "The blog’s feed has not been read lately.", _ARE_THEY_RUNNING)
    else:
        yield fine("feed", f"The blog’s feed was read on {state.read_at:%-d %B, %H:%M} UTC.")


def studio(connection: Connection) -> Iterator[Finding]:
    """Check that someone can open the studio."""
    everybody = owners.all_owners(connection)
    if not everybody:
        said, remedy = "Nobody may open the studio yet.", "Run “nurture owner add EMAIL”."
        yield doubtful("studio", said, remedy)
    elif not any(owner.password_hash for owner in everybody):
        said = "Nobody has chosen a password for the studio yet."
        yield doubtful("studio", said, "Open the link of “nurture owner add EMAIL”.")
