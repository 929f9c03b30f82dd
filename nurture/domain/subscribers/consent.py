"""What people agreed to, in which words, and how that is proved."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Self
from urllib.parse import quote, unquote

from nurture.domain.known_words import known

#: What the series was called before there were streams. Sequence files, websites and stored records
#: go on saying it, and it never means more than the series.
MARKETING = "marketing"


class Purpose(StrEnum):
    """What a consent is for; each purpose is granted, withdrawn and proved separately.

    `series`, `articles` and `news` are the streams: kinds of marketing that are agreed to apart.
    """

    GUIDE = "guide"
    SERIES = "series"
    ARTICLES = "articles"
    NEWS = "news"
    TRACKING = "tracking"
    HEALTH_TOPICS = "health_topics"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls("series") if value == MARKETING else None


#: The kinds of marketing, each of which is agreed to separately.
STREAMS = (Purpose.SERIES, Purpose.ARTICLES, Purpose.NEWS)


class Scope(NamedTuple):
    """What one consent covers: a purpose and, for the series, the form whose series it is.

    The series without a form is that of every form.
    """

    purpose: Purpose
    form: str = ""

    @property
    def word(self) -> str:
        """The stored word, without white space; `read_scope` reads it back."""
        # Words are stored with spaces between them, and the owner may write one in a form's key.
        return f"{self.purpose}:{quote(self.form, safe='')}" if self.form else str(self.purpose)

    @property
    def named(self) -> str:
        """The name for people who work here, such as `series of “pain-guide”`."""
        return f"{self.purpose} of “{self.form}”" if self.form else str(self.purpose)


#: The series of every form.
EVERY_SERIES = Scope(Purpose.SERIES)


def read_scope(word: str) -> Scope | None:
    """Read the stored word of a scope; return `None` if only a newer program knows it."""
    purpose, _, form = word.partition(":")
    found = known(Purpose, purpose, None)
    return Scope(found, unquote(form) if found is Purpose.SERIES else "") if found else None


def scope_of(purpose: Purpose, form: str) -> Scope:
    """Return what a purpose covers that a person agrees to in a form."""
    return Scope(purpose, form if purpose is Purpose.SERIES else "")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where and how a consent was given or refused: the page, the IP address and the browser."""

    page_url: str = ""
    client: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where someone said yes or no, under which privacy policy, and what proves it.

    `source` is `form:<key>`, `guide-page`, `preferences`, `unsubscribe`, `resubscribe`, or one of
    the words below; `said_where` puts it into words.
    """

    source: str
    privacy_version: str
    evidence: Evidence = field(default_factory=Evidence)


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """One purpose granted or withdrawn, with the wording that the person was shown.

    `form` is set for the series of one form.
    """

    purpose: Purpose
    granted: bool
    wording: str
    form: str = ""

    @property
    def scope(self) -> Scope:
        """What is granted or withdrawn."""
        return Scope(self.purpose, self.form)

    @property
    def wording_hash(self) -> str:
        """The hash that identifies the exact wording, so that later edits of the form show."""
        return wording_hash(self.wording)


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One line of the append-only record: a consent or a refusal, with everything that proves it.

    `source` says where it was given; `said_where` puts that into words. `said_at` is set if it was
    reported late: when it was given, according to the website.
    """

    purpose: Purpose
    granted: bool
    recorded_at: datetime
    source: str
    wording: str
    wording_hash: str
    privacy_version: str
    evidence: Evidence
    said_at: datetime | None = None
    form: str = ""

    @property
    def scope(self) -> Scope:
        """What was granted or withdrawn."""
        return Scope(self.purpose, self.form)

    @property
    def happened_at(self) -> datetime:
        """When it was given, as far as is known."""
        return self.said_at or self.recorded_at


@dataclass(frozen=True, slots=True)
class Consents:
    """What a subscriber currently agrees to; `series` are the forms whose series they want.

    If it is empty although the series is agreed to, an older program has recorded it without saying
    whose: then it is the series of every form they have filled in.
    """

    purposes: frozenset[Purpose] = field(default_factory=frozenset)
    series: frozenset[str] = field(default_factory=frozenset)

    def __contains__(self, asked: Purpose | Scope) -> bool:
        if isinstance(asked, Purpose):
            return asked in self.purposes
        anyone = not (asked.form and self.series)
        return asked.purpose in self.purposes and (anyone or asked.form in self.series)

    @property
    def scopes(self) -> frozenset[Scope]:
        """Everything they agree to, each form's series apart."""
        plain = self.purposes - {Purpose.SERIES} if self.series else self.purposes
        series = {Scope(Purpose.SERIES, form) for form in self.series}
        return frozenset(map(Scope, plain)) | series

    @property
    def streams(self) -> frozenset[Scope]:
        """The kinds of marketing they agree to."""
        return frozenset(scope for scope in self.scopes if scope.purpose in STREAMS)

    def after(self, changes: Iterable[ConsentChange]) -> "Consents":
        """Return what they agree to after these changes; a withdrawal always counts."""
        scopes = set(self.scopes)
        for change in changes:
            if change.granted and not (change.form and EVERY_SERIES in scopes):
                scopes.add(change.scope)
            elif not change.granted:
                scopes = {one for one in scopes if not covers(change.scope, one)}
        return consents_of(scopes)


def consents_of(scopes: Iterable[Scope]) -> Consents:
    """Return the consents that cover exactly these scopes."""
    given = set(scopes)
    every = EVERY_SERIES in given
    series = frozenset(one.form for one in given if one.form and not every)
    return Consents(frozenset(one.purpose for one in given), series)


def covers(said: Scope, one: Scope) -> bool:
    """Return whether what was said counts for that; of a series without a form, either does."""
    if said.purpose is not one.purpose:
        return False
    return not (said.form and one.form) or said.form == one.form


def read_consents(words: Iterable[str]) -> Consents:
    """Read the words stored for a person, skipping those of a newer program.

    An older program knows only the word for the series as a whole, and removes only that. So the
    words for the series of single forms count only beside it.
    """
    scopes = {scope for scope in map(read_scope, words) if scope}
    series = {scope for scope in scopes if scope.form}
    if EVERY_SERIES not in scopes:
        return consents_of(scopes - series)
    return consents_of(scopes - {EVERY_SERIES} if series else scopes)


def words_of(consents: Consents) -> frozenset[str]:
    """Return the words to store for a person, so that an older program reads them as well."""
    words = {scope.word for scope in consents.scopes} - {Purpose.SERIES}
    return frozenset(words | {MARKETING} if Purpose.SERIES in consents else words)


def latest_said(records: Iterable[ConsentRecord]) -> dict[Scope, ConsentRecord]:
    """Return the latest record of each scope, given all records, oldest first.

    What was said about every form's series was said about each of them.
    """
    latest: dict[Scope, ConsentRecord] = {}
    for record in records:
        latest[record.scope] = record
        if record.scope == EVERY_SERIES:
            latest |= {scope: record for scope in latest if scope.purpose is Purpose.SERIES}
    return latest


def series_said(records: Iterable[ConsentRecord]) -> frozenset[str]:
    """Return the forms whose series a person agrees to, given all their records, oldest first.

    An older program records the series without a form on our own pages: then it is that of every
    form filled in by then.
    """
    filled_in: set[str] = set()
    agreed: set[str] = set()
    for record in records:
        kind, _, form = record.source.partition(":")
        filled_in |= {form} if kind == "form" else set()
        if record.purpose is not Purpose.SERIES:
            continue
        forms = {record.form} if record.form else filled_in
        agreed = agreed | forms if record.granted else agreed - (forms if record.form else agreed)
    return frozenset(agreed)


def is_among(scope: Scope, scopes: Iterable[Scope]) -> bool:
    """Return whether a scope is one of these, or belongs to every form's series among them."""
    return any(one == scope or (one == EVERY_SERIES and scope.form) for one in scopes)


#: The wording beside the boxes on our own pages; the website's forms bring their own.
OWN_WORDINGS: Mapping[Purpose, str] = {
    Purpose.GUIDE: "Get my guide",
    Purpose.SERIES: "Send me the series of articles by email.",
    Purpose.ARTICLES: "Send me new articles by email when there are any.",
    Purpose.NEWS: "Send me news and offers of the practice by email.",
    Purpose.TRACKING: (
        "Let the practice see which emails I open and which links I follow, "
        "so that it sends me what I find useful."
    ),
    Purpose.HEALTH_TOPICS: (
        "The practice may take my interest in health topics (such as back pain) into account."
    ),
}


#: What may be learnt of a person, each with a box on our own pages.
OWN_BOXES = (Purpose.TRACKING, Purpose.HEALTH_TOPICS)

#: The kinds of email that each have a box there too; the series come with a form.
STREAM_BOXES = (Purpose.ARTICLES, Purpose.NEWS)

#: The boxes that the page of a guide may have, in their order.
GUIDE_BOXES = (*STREAM_BOXES, *OWN_BOXES)

#: Withdrawn by us, for someone who did not say whether they still want the emails.
SILENCE = "quiet"

#: Granted again by someone who said that they still want the emails.
STAYED = "stayed"

#: Withdrawn by the owner, for someone who asked in person or by letter.
STUDIO = "studio"

#: Withdrawn before the database was restored from an earlier backup, and so withdrawn again.
JOURNAL = "journal"

#: The same, where one kind of email was refused: taking back a later stop does not grant it again.
JOURNAL_OF_CHOICES = f"{JOURNAL}:choice"

#: Withdrawn in an email program or at the mail provider, which told us.
ELSEWHERE = "elsewhere"

#: Brought by an import, whose number follows after a colon: the list says itself when and how it
#: was given, or the practice says so.
EVIDENCE, STATED = "evidence", "stated"

#: Taken back together with the import that brought it, whose number follows: nobody refused it.
UNDONE = "undone"

_SAID_WHERE: Mapping[str, str] = {
    EVIDENCE: "elsewhere, as the imported list shows",
    STATED: "elsewhere, as the practice states",
    UNDONE: "by the practice, which took the imported list back",
    "guide-page": "on the page of the guide",
    "preferences": "on the preference page",
    "unsubscribe": "by unsubscribing",
    "resubscribe": "by taking the unsubscription back",
    STAYED: "on the page “Still want these?”",
    STUDIO: "in the studio, by the practice for them",
    ELSEWHERE: "in a mail program, which told us",
    JOURNAL: "before a backup was restored that did not know of it",
    SILENCE: "by giving no sign of life for a long time, when asked",
}


def is_undone(source: str) -> bool:
    """Return whether a consent was taken back with its import, which nobody refused."""
    return source.partition(":")[0] == UNDONE


def said_where(source: str) -> str:
    """Return where a consent was given, in words that follow “agreed” or “withdrawn”."""
    kind, _, form = source.partition(":")
    return f"in the form “{form}”" if kind == "form" else _SAID_WHERE.get(kind, source)


def wording_hash(wording: str) -> str:
    """Return the SHA-256 of a wording, in hexadecimal, treating each run of white space as one."""
    return hashlib.sha256(" ".join(wording.split()).encode()).hexdigest()


def granted_at_signup(
    grants: Iterable[Purpose],
    ticked: Iterable[Purpose],
    wording: str,
    form: str,
    wordings: Mapping[Purpose, str],
) -> list[ConsentChange]:
    """Return what a signup grants: what the form's wording says, and each box ticked beside it.

    A box has one of these `wordings`, or else stands in the form's own.
    """
    beside = {scope_of(one, form): wordings.get(one, wording) for one in ticked}
    own = {scope_of(one, form): wording for one in grants}
    words = own | beside | own
    return [ConsentChange(scope.purpose, True, words[scope], scope.form) for scope in words]


def changed(
    present: Consents, wanted: Mapping[Scope, bool], wordings: Mapping[Purpose, str]
) -> list[ConsentChange]:
    """Return the changes that lead from the current consents to the wanted ones, and no others."""
    return [
        ConsentChange(scope.purpose, granted, wordings.get(scope.purpose, ""), scope.form)
        for scope, granted in wanted.items()
        if granted != (scope in present)
    ]
