"""Everything published, cached by each process and refreshed when anything changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from nurture.bank_holidays import bank_holidays
from nurture.domain.audience.conditions import Segments
from nurture.domain.broadcasts.broadcast import EMAIL, Broadcast, BroadcastStatus
from nurture.domain.errors import NurtureError
from nurture.domain.messages.email import destination
from nurture.domain.messages.link_utm import without_link_utm
from nurture.domain.practice import Practice
from nurture.domain.scheduling.hours import DaysOff, Rhythm
from nurture.domain.scheduling.planner import Calendar
from nurture.domain.sequences.sequence import Sequence, Step, StepKind
from nurture.library.published import (
    form_keys,
    published_practice,
    published_segments,
    published_sequence,
)
from nurture.library.reading import LibraryError
from nurture.rendering import message
from nurture.rendering.compile import CompiledEmail
from nurture.store.database import Connection
from nurture.store.tables import broadcasts
from nurture.store.tables.broadcasts import BroadcastsSeen
from nurture.store.tables.revisions import (
    Revision,
    RevisionKind,
    find_newest,
    latest_publication,
    newest_revisions,
    revisions_of,
)
from nurture.tokens import Tokens


class NothingPublishedError(NurtureError):
    """No practice or sequence has been published yet."""


class LeftToNewerError(NurtureError):
    """Only a newer version, which is being installed, can handle this."""


def practice_calendar(practice: Practice) -> Calendar:
    """Return the practice's sending hours, holidays and caps.

    The same object is returned for as long as they do not change.
    """
    return _calendar(practice.rhythm)


@lru_cache(maxsize=16)
def _calendar(rhythm: Rhythm) -> Calendar:
    bank = bank_holidays(rhythm.nation)
    holidays = DaysOff(bank, rhythm.closed) if rhythm.closed else bank
    return Calendar(rhythm.window, holidays, rhythm.caps)


@dataclass(frozen=True)
class Published:
    """One consistent snapshot of everything published; `number` grows with every publication."""

    number: int
    practice: Practice
    sequences: Mapping[str, Sequence]
    emails: Mapping[str, tuple[int, CompiledEmail]]
    around: message.Surroundings
    segments: Segments = field(default_factory=Segments)
    #: Whatever a newer program has extended in a way unknown to this one: sequences, which are left
    #: to that program entirely, and forms.
    beyond: frozenset[str] = frozenset()
    forms_beyond: frozenset[str] = frozenset()
    #: The broadcasts that are being sent or are stopped, by what the ledger calls them, with their
    #: emails. They stand in no list of sequences.
    broadcasts: Mapping[str, Sequence] = field(default_factory=dict)
    #: Every broadcast that was ever sent, and those that are stopped.
    sent_broadcasts: Mapping[str, Sequence] = field(default_factory=dict)
    stopped: frozenset[str] = frozenset()
    _letters: Mapping[str, tuple[int, CompiledEmail]] = field(default_factory=dict)
    _prepared: dict[tuple[str, int], message.PreparedEmail] = field(default_factory=dict)

    @cached_property
    def calendar(self) -> Calendar:
        """The calendar of when and how often the practice sends."""
        return practice_calendar(self.practice)

    @property
    def forms(self) -> list[str]:
        """The keys of the website's forms, in order."""
        return sorted(s.form.key for s in self.sequences.values() if s.form)

    def find_sequence(self, key: str) -> Sequence | None:
        """Return the sequence, or the broadcast under way, that the ledger calls so."""
        return self.sequences.get(key) or self.broadcasts.get(key)

    def get_sequence(self, key: str) -> Sequence:
        """Return the sequence or the broadcast under way; raise `KeyError` if there is none."""
        found = self.find_sequence(key)
        return self.sequences[key] if found is None else found

    def is_over(self, key: str) -> bool:
        """Return whether this is a broadcast that is not under way any more."""
        return key in self.sent_broadcasts and key not in self.broadcasts

    def find_email(self, key: str) -> CompiledEmail | None:
        """Return the published email of a step, or that of a broadcast under way."""
        found = self.emails.get(key) or self._letters.get(key)
        return found[1] if found else None

    @cached_property
    def titles(self) -> Mapping[str, str]:
        """The titles of all sequences, and of every broadcast that was ever sent."""
        return {k: one.title for k, one in {**self.sent_broadcasts, **self.sequences}.items()}

    @cached_property
    def subjects(self) -> Mapping[str, str]:
        """The subjects of all emails as written; broadcasts that are over have their titles."""
        over = {f"{key}/{EMAIL}": one.title for key, one in self.sent_broadcasts.items()}
        emails = {**self.emails, **self._letters}
        return over | {key: email.subject for key, (_, email) in emails.items()}

    def sequence_of_form(self, form: str) -> Sequence | None:
        """Return the sequence that a website form leads to; may raise `LeftToNewerError`."""
        if form in self.forms_beyond:
            raise LeftToNewerError(
                f"The form “{form}” is of a newer version, which is being installed.",
                remedy="Try again in a minute.",
            )
        return next((s for s in self.sequences.values() if s.form and s.form.key == form), None)

    def title_of_form(self, form: str) -> str:
        """Return the title of the sequence that a form leads to, or its key if it is gone."""
        found = (s for s in self.sequences.values() if s.form and s.form.key == form)
        return next((sequence.title for sequence in found), form)

    @property
    def topics(self) -> dict[str, set[str]]:
        """The topics of every email (`sequence/step`) and of every link in one."""
        about: dict[str, set[str]] = {}
        for _, email in self.emails.values():
            values, own = message.link_values(email, self.practice), email.link_topics
            about.setdefault(email.key, set()).update(email.topics, *own.values())
            for link in email.followed:
                address, topics = destination(link, values), own.get(link, email.topics)
                about.setdefault(address, set()).update(topics)
        return about

    def guide_email(self, sequence: Sequence) -> CompiledEmail | None:
        """Return the email that delivers a sequence's guide."""
        keys = [f"{sequence.key}/{s.email}" for s in sequence.steps if s.kind is StepKind.GUIDE]
        return self.emails[keys[0]][1] if keys and keys[0] in self.emails else None

    def prepared(self, sequence: Sequence, step: Step) -> tuple[int, message.PreparedEmail]:
        """Return a step's email prepared for sending, and the revision it is made from."""
        key = f"{sequence.key}/{step.email}"
        revision, email = (self._letters if sequence.broadcast else self.emails)[key]
        if (key, revision) not in self._prepared:
            prepared = message.PreparedEmail(email, sequence, step.kind, self.around)
            self._prepared[key, revision] = prepared
        return revision, self._prepared[key, revision]

    def with_broadcasts(
        self, sent: Iterable[Broadcast], emails: Mapping[str, tuple[int, CompiledEmail]]
    ) -> "Published":
        """Return the same with these broadcasts, of which those with an email are under way.

        Nothing is prepared or read again.
        """
        every = {one.sequence_key: one.as_sequence() for one in sent}
        under_way = {key: one for key, one in every.items() if f"{key}/{EMAIL}" in emails}
        stopped = [one.sequence_key for one in sent if one.status is BroadcastStatus.STOPPED]
        return replace(
            self,
            broadcasts=under_way,
            sent_broadcasts=every,
            stopped=frozenset(stopped),
            _letters=emails,
        )


class Catalogue:
    """A cache of the published state, read again only after a publication."""

    def __init__(
        self, tokens: Tokens, public_url: str, headers_for: message.HeadersFor = message.no_headers
    ) -> None:
        self.tokens, self._public_url, self._headers_for = tokens, public_url, headers_for
        self._published: Published | None = None
        self._broadcasts = BroadcastsSeen()

    def current(self, connection: Connection) -> Published:
        """Return what is currently published; may raise `NothingPublishedError`."""
        number, seen = latest_publication(connection), broadcasts.find_seen(connection)
        published, known = self._published, self._broadcasts
        if published is None or published.number != number:
            published, known = self._read(connection, number), BroadcastsSeen()
        if seen != known:
            published = _with_broadcasts(connection, published)
        self._published, self._broadcasts = published, seen
        return published

    def _read(self, connection: Connection, number: int) -> Published:
        newest = newest_revisions(connection)
        practice = next((r for r in newest if r.kind is RevisionKind.PRACTICE), None)
        if practice is None:
            raise NothingPublishedError(
                "Nothing has been published yet.", remedy="Run “nurture publish”."
            )
        read = published_practice(practice.source["toml"])
        segments, all_segments = _segments(newest)
        plans = _Plans.of(r for r in newest if r.kind is RevisionKind.SEQUENCE)
        if not all_segments:
            plans.leave_those_that_ask_beyond(segments)
        return Published(
            number=number,
            practice=read,
            sequences=plans.sequences,
            beyond=frozenset(plans.beyond),
            forms_beyond=frozenset(plans.forms_beyond),
            emails={r.key: _email(r) for r in newest if r.kind is RevisionKind.EMAIL},
            around=message.Surroundings(read, self.tokens, self._public_url, self._headers_for),
            segments=segments,
        )


def _with_broadcasts(connection: Connection, published: Published) -> Published:
    sent, emails = broadcasts.list_sent(connection), {}
    for one in sent:
        if one.status in broadcasts.UNDER_WAY and (
            revision := find_newest(connection, RevisionKind.EMAIL, one.email_key)
        ):
            emails[one.email_key] = _email(revision)
    return published.with_broadcasts(sent, emails)


def _segments(newest: Iterable[Revision]) -> tuple[Segments, bool]:
    found = next((r for r in newest if r.kind is RevisionKind.SEGMENTS), None)
    return published_segments(found.source["toml"]) if found else (Segments(), True)


@dataclass
class _Plans:
    """The sequences that can be read, and what is left to a newer version."""

    sequences: dict[str, Sequence] = field(default_factory=dict)
    beyond: set[str] = field(default_factory=set)
    forms_beyond: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, revisions: Iterable[Revision]) -> "_Plans":
        plans = cls()
        for revision in revisions:
            plans._read(revision.key, str(revision.source["toml"]))
        return plans

    def leave_those_that_ask_beyond(self, segments: Segments) -> None:
        """Set aside every sequence that depends on segments that cannot be read."""
        known = segments.segments.keys()
        self.beyond |= {key for key, one in self.sequences.items() if one.segments - known}

    def _read(self, key: str, toml: str) -> None:
        try:
            sequence, is_whole = published_sequence(key, toml)
        except LibraryError:
            sequence, is_whole = None, False
        if sequence is not None:
            self.sequences[key] = sequence
        if not is_whole:
            self.beyond.add(key)
            form = sequence.form if sequence else None
            self.forms_beyond |= form_keys(toml) - ({form.key} if form else set())


@dataclass(frozen=True, slots=True)
class EmailContents:
    """The topics of one revision of an email, and the links whose clicks are counted."""

    topics: frozenset[str]
    links: frozenset[str]
    link_topics: Mapping[str, frozenset[str]]

    def own_link(self, link: str | None) -> str | None:
        """Return a link as the email has it, without the UTM parameters added when it was sent."""
        plain = without_link_utm(link) if link else link
        return plain if link not in self.links and plain in self.links else link

    def topics_of(self, link: str | None) -> frozenset[str]:
        """Return a link's own topics if it has any, otherwise the email's."""
        return self.link_topics.get(link or "", self.topics)


def about(connection: Connection, revision_ids: Iterable[int]) -> dict[int, EmailContents]:
    """Return the topics of these revisions; links named by a setting lead to its current value."""
    practice = find_newest(connection, RevisionKind.PRACTICE, "practice")
    if practice is None:
        return {}
    values = _practice(practice.source["toml"])
    return {r.id: _about(r, values) for r in revisions_of(connection, revision_ids)}


@lru_cache(maxsize=4)
def _practice(toml: str) -> Practice:
    """Return the practice from its source, cached: each fold asks for it, and it rarely changes."""
    return published_practice(toml)


def _about(revision: Revision, practice: Practice) -> EmailContents:
    email = _email(revision)[1]
    values = message.link_values(email, practice)
    return EmailContents(
        topics=frozenset(email.topics),
        links=frozenset(destination(link, values) for link in email.followed),
        link_topics={
            destination(link, values): frozenset(words) for link, words in email.link_topics.items()
        },
    )


def _email(revision: Revision) -> tuple[int, CompiledEmail]:
    return revision.id, CompiledEmail.from_json(revision.compiled)
