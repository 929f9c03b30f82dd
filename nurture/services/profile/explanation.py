"""Explaining what one person was sent, what comes next and when, and why not sooner."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.account.presets import NO_CHOICES, AccountChoices
from nurture.domain.audience.engagement import engagement
from nurture.domain.audience.facts import Facts
from nurture.domain.messages.status import MessageStatus
from nurture.domain.reasons import KEYS, Names
from nurture.domain.rights.reach import Reach, reach
from nurture.domain.scheduling.gate import Caps, Frequency, PausedBy
from nurture.domain.simulation.life import Life
from nurture.domain.simulation.person import Person
from nurture.domain.simulation.simulate import simulate
from nurture.domain.simulation.world import SimulatedEvent
from nurture.domain.subscribers.consent import Purpose, Scope
from nurture.domain.tracking.verdict import Verdict
from nurture.services.account.outlook import account_load
from nurture.services.catalogue import Catalogue
from nurture.services.profile.phrases import and_, became_of, because, moment, outlook
from nurture.services.profile.rights import in_sentence
from nurture.services.simulation.snapshot import NobodyError, portray
from nurture.services.simulation.world import world_as_published
from nurture.store.database import Connection, Database
from nurture.store.tables import events, messages, subscribers
from nurture.store.tables.consents import consent_records
from nurture.store.tables.holds import held_numbers
from nurture.store.tables.messages import Message
from nurture.store.tables.subscribers import Subscriber
from nurture.store.tables.waiting_signups import waiting_of

_PAUSED = {
    PausedBy.PERSON: "They asked for a pause until {}.",
    PausedBy.OWNER: "You paused their emails until {}.",
    PausedBy.REPLY: "They have replied, so their emails wait until you let them go on.",
}

_HELD = (
    "It is held since the restore, because it may have been sent before: “nurture held list” "
    "says what, and “nurture held release” or “nurture held drop” how it goes on."
)

#: Nobody asks about more coming events than this.
_COMING = 12


@dataclass(frozen=True, slots=True)
class SentMail:
    """One message to a person and its outcome; `sentence` says it all in words."""

    message: int
    sequence: str
    step: str
    status: MessageStatus
    at: datetime
    sentence: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One person, explained in whole sentences that end with a full stop.

    `who` says what they are to us, `rights` which marketing they may be sent, `sent` what they got,
    `next` what comes and when, `why_not_sooner` what delays it, and `segments` names the ones they
    are in. `coming` is what will happen, in order, if they do nothing themselves.
    """

    address: str
    subscriber: int
    time_zone: str
    who: tuple[str, ...]
    rights: tuple[Reach, ...]
    sent: tuple[SentMail, ...]
    next: str
    next_at: datetime | None
    why_not_sooner: tuple[str, ...]
    segments: tuple[str, ...]
    coming: tuple[SimulatedEvent, ...]

    @property
    def sentences(self) -> list[str]:
        """The whole explanation in reading order."""
        sent = [mail.sentence for mail in self.sent] or ["Nothing has been sent to them yet."]
        rights = [in_sentence(one) for one in self.rights]
        return [
            *self.who,
            *rights,
            *sent,
            self.next,
            *self.why_not_sooner,
            _belongs_to(self.segments),
        ]


def _belongs_to(segments: tuple[str, ...]) -> str:
    if not segments:
        return "They are in no segment."
    plural = "s" if len(segments) > 1 else ""
    return f"They are in the segment{plural} {and_(f'“{name}”' for name in segments)}."


def explain(
    database: Database,
    catalogue: Catalogue,
    address: str,
    now: datetime,
    *,
    armed: bool = True,
    fixed: AccountChoices = NO_CHOICES,
) -> Explanation:
    """Explain one person; may raise `NobodyError`.

    `armed` is whether this instance may send, and `fixed` what its settings say of the account.
    """
    with database.reading() as connection:
        found = subscribers.find_by_address(connection, address)
        if found is None:
            raise _nobody(connection, catalogue, address)
        return explain_subscriber(connection, catalogue, found, now, armed=armed, fixed=fixed)


def _nobody(connection: Connection, catalogue: Catalogue, address: str) -> NobodyError:
    """Return the error for an address that is not in, which may have signed up anyway."""
    waiting = waiting_of(connection, catalogue.tokens.address_hashes(address))
    if not waiting:
        return NobodyError(f"There is nobody with the address {address}.")
    return NobodyError(
        f"{address} signed up at {waiting[0].signed_up_at:%H:%M on %d %B} (UTC), and waits with "
        "others that came at the same time or looked like a robot's.",
        remedy=f"“nurture waiting let-go {waiting[0].id}” lets it go.",
    )


def explain_subscriber(
    connection: Connection,
    catalogue: Catalogue,
    subscriber: Subscriber,
    now: datetime,
    *,
    armed: bool = True,
    fixed: AccountChoices = NO_CHOICES,
    names: Names = KEYS,
) -> Explanation:
    """Explain someone who has been found already; `names` are the reader's, see `outlook`."""
    world = world_as_published(connection, catalogue, account_load(connection, fixed, now))
    person = portray(connection, [subscriber.id], now)[subscriber.id]
    ledger = messages.ledger_of(connection, subscriber.id)
    zone = ZoneInfo(subscriber.time_zone)
    standing, records = Life(world, person).standing(""), consent_records(connection, subscriber.id)
    coming = tuple(simulate(world, person, now))
    happened = events.events_of(connection, subscriber.id)
    ahead = outlook(world, person, coming, ledger, now, armed, happened, names)
    held = [_HELD] if held_numbers(connection, subscriber.id) else []
    return Explanation(
        address=subscriber.address,
        subscriber=subscriber.id,
        time_zone=zone.key,
        who=tuple(_who(subscriber, person, world.calendar.caps, now, zone)),
        rights=reach(standing, records, now),
        sent=tuple(_mail(message, happened, zone) for message in ledger),
        next=ahead.next,
        next_at=ahead.next_at,
        why_not_sooner=(*held, *ahead.why_not_sooner),
        segments=tuple(sorted(world.segments.of(person.facts, now))),
        coming=coming[:_COMING],
    )


def _who(
    subscriber: Subscriber, person: Person, caps: Caps, now: datetime, zone: ZoneInfo
) -> list[str]:
    facts = person.facts
    said = [_signed_up(subscriber, facts, zone)]
    said.append(
        f"They confirmed the address on {moment(subscriber.confirmed_at, zone)}."
        if subscriber.confirmed_at
        else "They have not confirmed the address yet."
    )
    said.append(_lively(facts, now, zone))
    agreed = [scope.named for scope in sorted(facts.consents.scopes, key=_in_order)]
    said.append(f"They agree to: {', '.join(agreed) or 'nothing'}.")
    if subscriber.paused_until and subscriber.paused_until > now:
        until = moment(subscriber.paused_until, zone)
        said.append(_PAUSED[subscriber.paused_by].format(until))
    if subscriber.frequency is Frequency.FEWER:
        days = caps.fewer.days
        often = "a week" if days == 7 else "a day" if days == 1 else f"in {days} days"
        said.append(f"They want fewer emails: at most one {often}.")
    return said


def _in_order(scope: Scope) -> tuple[int, str]:
    return list(Purpose).index(scope.purpose), scope.form


def _signed_up(subscriber: Subscriber, facts: Facts, zone: ZoneInfo) -> str:
    name = f"{subscriber.first_name} ({subscriber.address})" if subscriber.first_name else ""
    who = name or subscriber.address
    if not facts.signups:
        return f"{who} has been known since {moment(facts.created_at, zone)}."
    times = [f"on {moment(s.at, zone)} through the form “{s.form}”" for s in facts.signups]
    return f"{who} signed up {and_(times)}."


def _lively(facts: Facts, now: datetime, zone: ZoneInfo) -> str:
    found = engagement(facts, now)
    if found.because is None:
        came = "signed up" if facts.signups else "came with a list"
        return f"They are {found.level}: they {came} on {moment(found.since, zone)}."
    return f"They are {found.level}: they {because(found.because)} on {moment(found.since, zone)}."


def _mail(message: Message, happened: list[dict[str, Any]], zone: ZoneInfo) -> SentMail:
    about = [event for event in happened if event["message_id"] == message.id]
    deeds = {
        str(event["kind"]): f"{event['kind']} on {moment(event['happened_at'], zone)}"
        for event in reversed(about)
        if event["verdict"] == Verdict.HUMAN
    }
    at = message.accepted_at or message.claimed_at
    return SentMail(
        message=message.id,
        sequence=message.sequence,
        step=message.step,
        status=message.status,
        at=at,
        sentence=became_of(message, moment(at, zone), list(deeds.values())),
    )
