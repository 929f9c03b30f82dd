"""What about the mail account should alarm its owner: states as values, each with a sentence.

The studio shows them; letters and alarms to the owner can use the same values.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from nurture.domain.account.limits import NO_LIMITS, Limits, Window
from nurture.domain.account.queue import room_in


class AlarmKind(StrEnum):
    """The kinds of alarm; stored by those who were told, so never rename one."""

    HELD = "held"
    GRANT_LAPSED = "grant_lapsed"
    MAILBOX_UNREAD = "mailbox_unread"
    COMPLAINTS_HIGH = "complaints_high"
    BOUNCES_HIGH = "bounces_high"
    BACKLOG = "backlog"
    LIMIT_NEARLY_USED = "limit_nearly_used"


class AlarmSeverity(StrEnum):
    """How much an alarm matters: to know, to see to, or to see to before anything else."""

    NOTE = "note"
    WARNING = "warning"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class AccountAlarm:
    """One alarm: a `heading` without a full stop, sentences that say more, and since when."""

    kind: AlarmKind
    severity: AlarmSeverity
    heading: str
    sentence: str
    since: datetime | None = None

    @property
    def needs_owner(self) -> bool:
        """Whether the owner has to see to it."""
        return self.severity is not AlarmSeverity.NOTE


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """What became of the emails of the last thirty days, and of older ones that came back then.

    `accepted` is how many the mail server took or may have taken, `returned` how many of these came
    back because the address does not work, `turned_away` how many it refused at once for that
    reason, and `complained` how many people reported one as junk.
    """

    accepted: int = 0
    returned: int = 0
    turned_away: int = 0
    complained: int = 0

    @property
    def sent(self) -> int:
        """The emails that bounces are counted among."""
        return max(self.accepted, self.returned) + self.turned_away

    @property
    def arrived(self) -> int:
        """The emails that complaints are counted among."""
        return max(self.accepted, self.complained)

    @property
    def bounced(self) -> int:
        """The emails whose address does not work."""
        return self.returned + self.turned_away

    @property
    def bounce_share(self) -> float:
        """The share of emails that bounced, from 0 to 1."""
        return self.bounced / self.sent if self.sent else 0.0

    @property
    def complaint_share(self) -> float:
        """The share of arrived emails that were reported as junk, from 0 to 1."""
        return self.complained / self.arrived if self.arrived else 0.0


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What is known about an account; what is not known, or not so, is left out.

    `waiting` emails cannot be sent now. `held_because` and `held_to_do` are the sentences for a
    hold, `lapsed_because` for a permission that the provider has withdrawn. `mailbox_trouble` is
    what keeps us from reading the mailbox, and `mailbox_read_at` when it was last read, if one is
    set.
    """

    now: datetime
    limits: Limits = NO_LIMITS
    used: Mapping[Window, int] = field(default_factory=dict)
    waiting: int = 0
    waiting_since: datetime | None = None
    held_since: datetime | None = None
    held_because: str = ""
    held_to_do: str = ""
    lapsed_at: datetime | None = None
    lapsed_because: str = ""
    mailbox_read_at: datetime | None = None
    mailbox_trouble: str = ""
    mailbox_trouble_since: datetime | None = None
    month: MonthFigures = MonthFigures()


#: From this share of a day's limit on, it is nearly used.
_NEARLY = 0.9

#: A mailbox is read every few minutes; so long may a restart or a provider's bad hour last.
_UNREAD_FOR = timedelta(hours=1)

#: What mailbox providers want complaints to stay below, and what they block for (Google, Yahoo).
COMPLAINTS_WANTED, COMPLAINTS_BLOCKED = 0.001, 0.003
#: What is usual for addresses whose owners asked for the emails themselves.
BOUNCES_USUAL = 0.02
#: With fewer emails, one more bounce or complaint would change the share too much.
COMPLAINTS_OF_AT_LEAST, BOUNCES_OF_AT_LEAST = 500, 200


def alarms(facts: AccountFacts) -> list[AccountAlarm]:
    """Return everything that should alarm the owner, the most urgent first."""
    found = [
        *_held(facts),
        *_grant_lapsed(facts),
        *_mailbox_unread(facts),
        *_complaints_high(facts.month),
        *_bounces_high(facts.month),
        *_backlog(facts),
        *_limit_nearly_used(facts),
    ]
    order = (AlarmSeverity.URGENT, AlarmSeverity.WARNING, AlarmSeverity.NOTE)
    return sorted(found, key=lambda one: order.index(one.severity))


def _held(facts: AccountFacts) -> Iterator[AccountAlarm]:
    if facts.held_since is None:
        return
    severity = AlarmSeverity.URGENT if facts.held_to_do else AlarmSeverity.WARNING
    waits = f" {facts.waiting:,} {'email waits' if facts.waiting == 1 else 'emails wait'}."
    said = f"No email is lost.{waits if facts.waiting else ''} {facts.held_to_do}".strip()
    yield AccountAlarm(AlarmKind.HELD, severity, facts.held_because, said, facts.held_since)


def _grant_lapsed(facts: AccountFacts) -> Iterator[AccountAlarm]:
    if facts.lapsed_at is not None:
        heading = "Your mail account has to be connected again"
        said = facts.lapsed_because
        yield AccountAlarm(
            AlarmKind.GRANT_LAPSED, AlarmSeverity.URGENT, heading, said, facts.lapsed_at
        )


def _mailbox_unread(facts: AccountFacts) -> Iterator[AccountAlarm]:
    since = facts.mailbox_trouble_since if facts.mailbox_trouble else facts.mailbox_read_at
    if since is None or facts.now - since < _UNREAD_FOR:
        return
    why = facts.mailbox_trouble or "Nobody knows why: ask whoever looks after the server."
    said = f"Until it is, no reply is noticed, and no email that came back. {why}"
    heading = "Your mailbox is not being read"
    yield AccountAlarm(AlarmKind.MAILBOX_UNREAD, AlarmSeverity.WARNING, heading, said, since)


def _complaints_high(month: MonthFigures) -> Iterator[AccountAlarm]:
    share = month.complaint_share
    if month.arrived < COMPLAINTS_OF_AT_LEAST or share <= COMPLAINTS_WANTED:
        return
    severity = AlarmSeverity.URGENT if share > COMPLAINTS_BLOCKED else AlarmSeverity.WARNING
    said = (
        f"{say_part(month.complained, month.arrived)} of the last thirty days. Mailbox "
        "providers want less than 0.10 %, and from 0.30 % on they put your emails into the junk "
        "folder. Write less often, and only to people who asked for it."
    )
    heading = "Many people report your emails as junk"
    yield AccountAlarm(AlarmKind.COMPLAINTS_HIGH, severity, heading, said)


def _bounces_high(month: MonthFigures) -> Iterator[AccountAlarm]:
    if month.sent < BOUNCES_OF_AT_LEAST or month.bounce_share <= BOUNCES_USUAL:
        return
    said = (
        f"{say_part(month.bounced, month.sent)} of the last thirty days came back because the "
        "address does not work; 2 % is usual. Look where these people signed up: a form without "
        "protection attracts made-up addresses."
    )
    heading = "Many addresses do not work"
    yield AccountAlarm(AlarmKind.BOUNCES_HIGH, AlarmSeverity.WARNING, heading, said)


def _backlog(facts: AccountFacts) -> Iterator[AccountAlarm]:
    room = room_in(facts.limits, Window.DAY.length)
    if facts.held_since is not None or room is None or facts.waiting <= room:
        return
    said = (
        f"{facts.waiting:,} emails wait, and your account can send {room:,} in a day. None is "
        "lost or left out. Ask your provider for a higher limit if this keeps happening."
    )
    heading = "More emails wait than leave in a day"
    yield AccountAlarm(AlarmKind.BACKLOG, AlarmSeverity.WARNING, heading, said, facts.waiting_since)


def _limit_nearly_used(facts: AccountFacts) -> Iterator[AccountAlarm]:
    limit, used = facts.limits.day, facts.used.get(Window.DAY, 0)
    if limit is None or used < _NEARLY * limit:
        return
    said = f"{used:,} of {limit:,} emails have been sent in the last 24 hours. The rest waits."
    heading = "The limit of your account is nearly used"
    yield AccountAlarm(AlarmKind.LIMIT_NEARLY_USED, AlarmSeverity.NOTE, heading, said)


def say_part(number: int, base: int) -> str:
    """Say how many emails of how many, with the share in per cent: `3 of 1,204 emails (0.25 %)`."""
    share = 100 * number / base if base else 0.0
    return f"{number:,} of {base:,} {'email' if base == 1 else 'emails'} ({share:.2f} %)"
