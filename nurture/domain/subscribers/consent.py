"""What people agreed to, in which words, and how that is proved."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Purpose(StrEnum):
    """What a consent is for; each purpose is granted, withdrawn and proved separately."""

    GUIDE = "guide"
    MARKETING = "marketing"
    TRACKING = "tracking"
    HEALTH_TOPICS = "health_topics"


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
    """One purpose granted or withdrawn, with the wording that the person was shown."""

    purpose: Purpose
    granted: bool
    wording: str

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

    @property
    def happened_at(self) -> datetime:
        """When it was given, as far as is known."""
        return self.said_at or self.recorded_at


@dataclass(frozen=True, slots=True)
class Consents:
    """What a subscriber currently agrees to."""

    purposes: frozenset[Purpose] = field(default_factory=frozenset)

    def __contains__(self, purpose: Purpose) -> bool:
        return purpose in self.purposes


#: The wording beside the boxes on our own pages; the website's forms bring their own.
OWN_WORDINGS: Mapping[Purpose, str] = {
    Purpose.GUIDE: "Get my guide",
    Purpose.MARKETING: "Send me the series of articles by email.",
    Purpose.TRACKING: (
        "Let the practice see which emails I open and which links I follow, "
        "so that it sends me what I find useful."
    ),
    Purpose.HEALTH_TOPICS: (
        "The practice may take my interest in health topics (such as back pain) into account."
    ),
}


#: The purposes that each have a box on our own pages.
OWN_BOXES = (Purpose.TRACKING, Purpose.HEALTH_TOPICS)

#: Withdrawn by us, for someone who did not say whether they still want the emails.
SILENCE = "quiet"

#: Granted again by someone who said that they still want the emails.
STAYED = "stayed"

#: Withdrawn by the owner, for someone who asked in person or by letter.
STUDIO = "studio"

#: Withdrawn before the database was restored from an earlier backup, and so withdrawn again.
JOURNAL = "journal"

#: Withdrawn in an email program or at the mail provider, which told us.
ELSEWHERE = "elsewhere"

_SAID_WHERE: Mapping[str, str] = {
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


def said_where(source: str) -> str:
    """Return where a consent was given, in words that follow “agreed” or “withdrawn”."""
    kind, _, form = source.partition(":")
    return f"in the form “{form}”" if kind == "form" else _SAID_WHERE.get(source, source)


def wording_hash(wording: str) -> str:
    """Return the SHA-256 of a wording, in hexadecimal, treating each run of white space as one."""
    return hashlib.sha256(" ".join(wording.split()).encode()).hexdigest()


def granted_at_signup(
    grants: Iterable[Purpose], ticked: Iterable[Purpose], wording: str
) -> list[ConsentChange]:
    """Return what a signup grants: what the form's wording says, and each box ticked beside it."""
    asked = dict.fromkeys([*grants, *ticked])
    return [ConsentChange(purpose, True, wording) for purpose in asked]


def changed(
    present: Consents, wanted: Mapping[Purpose, bool], wordings: Mapping[Purpose, str]
) -> list[ConsentChange]:
    """Return the changes that lead from the current consents to the wanted ones, and no others."""
    return [
        ConsentChange(purpose, granted, wordings.get(purpose, ""))
        for purpose, granted in wanted.items()
        if granted != (purpose in present)
    ]
