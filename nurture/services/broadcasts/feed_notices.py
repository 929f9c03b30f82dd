"""Telling the owners of a draft that was made of a post, and sending it after a day if chosen.

An owner is told of a draft once. The claim to do so is a row that is committed before the email is
offered; it is given back only if the email has certainly not left.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from nurture.addresses import AddressError, plain_mailbox
from nurture.domain.broadcasts.broadcast import BroadcastStatus
from nurture.domain.messages.status import MessageStatus
from nurture.feed.notice import feed_notice
from nurture.mail.mailer import Envelope, Outcome
from nurture.rendering.preview import trial_number
from nurture.services.account.limits import take_stock
from nurture.services.broadcasts import sending
from nurture.services.broadcasts.drafts import BroadcastError
from nurture.services.delivery.dispatch import Dispatch
from nurture.services.publishing.files import CheckError
from nurture.store.database import Connection, Database
from nurture.store.tables import broadcasts, drafts, feed_posts, offers
from nurture.store.tables.feed_posts import StoredPost
from nurture.store.tables.feed_state import find_feed
from nurture.store.tables.instance import is_armed
from nurture.store.tables.owners import Owner, all_owners
from nurture.store.tables.revisions import RevisionKind

#: An untouched draft is sent so long after the post was seen, if that was chosen.
SENT_AFTER = timedelta(hours=24)

#: Nobody is told of an older draft, and an older one is not sent without a press.
_STALE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Notice:
    post: StoredPost
    owner: Owner
    reserved: int


def review_page(public_url: str, key: str) -> str:
    """Return the address of a broadcast's review page in the studio."""
    return f"{public_url}/studio/broadcasts/{key}/review"


def tell_owners(dispatch: Dispatch, public_url: str, now: datetime) -> int:
    """Tell each owner of each draft that is still one; return how many emails were accepted.

    Nothing is sent from a copy of the database, or beyond the limits of the mail account.
    """
    accepted = 0
    for post, owner in _untold(dispatch, now):
        notice = _claim(dispatch, post, owner, now)
        if notice is not None:
            accepted += _tell(dispatch, notice, public_url, now)
    return accepted


def send_untouched(dispatch: Dispatch, now: datetime) -> list[str]:
    """Send the drafts whose day is over, if the owner chose that; return the keys of those sent.

    A draft that was changed, or of which no owner has been told, is left to the owner, and so is
    one that cannot be sent as it is. A draft that was sent counts as changed, so that one that was
    taken back is not sent again.
    """
    sent = []
    for post in _over(dispatch, now):
        try:
            sending.send(dispatch.database, dispatch.catalogue, post.broadcast or "", now)
        except (BroadcastError, CheckError):
            pass
        else:
            sent.append(post.broadcast or "")
        with dispatch.database.writing() as connection:
            feed_posts.settle_post(connection, post.id, now)
    return sent


def sends_itself_at(database: Database, key: str, now: datetime) -> datetime | None:
    """Return when a draft is sent without a press; `None` if it waits for one."""
    with database.reading() as connection:
        since = find_feed(connection).sends_since
        if since is None:
            return None
        found = feed_posts.unsettled(connection, max(since, now - _STALE), now)
        own = [post for post, told in found if told and post.broadcast == key]
        return next((p.seen_at + SENT_AFTER for p in own if _is_untouched(connection, p)), None)


def _untold(dispatch: Dispatch, now: datetime) -> list[tuple[StoredPost, Owner]]:
    with dispatch.database.reading() as connection:
        if not is_armed(connection, dispatch.fingerprint, dispatch.witness.seen()):
            return []
        posts = [
            post
            for post in feed_posts.drafted_since(connection, now - _STALE)
            if _is_draft(connection, post)
        ]
        told = feed_posts.claimed_notices(connection, [post.id for post in posts])
        owners = all_owners(connection)
    pairs = [(post, owner) for post in reversed(posts) for owner in owners]
    return [(post, owner) for post, owner in pairs if (post.id, owner.id) not in told]


def _is_draft(connection: Connection, post: StoredPost) -> bool:
    found = broadcasts.find_broadcast(connection, post.broadcast or "")
    return found is not None and found.status is BroadcastStatus.DRAFT


def _claim(dispatch: Dispatch, post: StoredPost, owner: Owner, now: datetime) -> _Notice | None:
    """Claim to tell an owner, and count the email, if the account may send one more."""
    with dispatch.database.writing() as connection:
        if not feed_posts.claim_notice(connection, post.id, owner.id, now):
            return None
        stock = take_stock(connection, dispatch.fixed, now, claiming=True)
        if not stock.may_send:
            feed_posts.release_notice(connection, post.id, owner.id)
            return None
        return _Notice(post, owner, offers.reserve_offer(connection, now))


def _tell(dispatch: Dispatch, notice: _Notice, public_url: str, now: datetime) -> bool:
    outcome = _offer(dispatch, notice, public_url, now)
    with dispatch.database.writing() as connection:
        offers.settle_offer(connection, notice.reserved, outcome.counts, dispatch.clock())
        if outcome.status is MessageStatus.ACCEPTED:
            feed_posts.keep_notice(connection, notice.post.id, notice.owner.id, now)
        elif outcome.status is MessageStatus.DEFERRED:
            feed_posts.release_notice(connection, notice.post.id, notice.owner.id)
    return outcome.status is MessageStatus.ACCEPTED


def _offer(dispatch: Dispatch, notice: _Notice, public_url: str, now: datetime) -> Outcome:
    with dispatch.database.reading() as connection:
        practice = dispatch.catalogue.current(connection).practice
        sends_since = find_feed(connection).sends_since
    number, post = trial_number(now) + notice.post.id, notice.post
    try:
        to = plain_mailbox(notice.owner.address)
    except AddressError as error:
        return Outcome(number, MessageStatus.FAILED, str(error))
    data = feed_notice(
        practice,
        to,
        title=post.title,
        address=post.address,
        page=review_page(public_url, post.broadcast or ""),
        sends_itself=sends_since is not None and sends_since <= post.seen_at,
        number=number,
        now=now,
    )
    envelope = Envelope(number, practice.sender_address, to, dispatch.sign(data) + data)
    [outcome] = dispatch.mailer.offer(iter([envelope]))
    return outcome


def _over(dispatch: Dispatch, now: datetime) -> list[StoredPost]:
    """Return the posts whose untouched drafts are to be sent now."""
    with dispatch.database.reading() as connection:
        since = find_feed(connection).sends_since
        if since is None or not is_armed(connection, dispatch.fingerprint, dispatch.witness.seen()):
            return []
        earliest = max(since, now - _STALE)
        found = feed_posts.unsettled(connection, earliest, now - SENT_AFTER)
        return [post for post, told in found if told and _is_untouched(connection, post)]


def _is_untouched(connection: Connection, post: StoredPost) -> bool:
    """Return whether nobody has changed the draft, its audience or its words since it was made."""
    found = broadcasts.find_broadcast(connection, post.broadcast or "")
    if found is None or found.status is not BroadcastStatus.DRAFT or found.version != 1:
        return False
    draft = drafts.find_draft(connection, RevisionKind.EMAIL, found.email_key)
    return draft is not None and draft.version == 1
