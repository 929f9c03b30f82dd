"""The studio's words: what became of an email, what someone did, and what things are called."""

from collections.abc import Mapping
from dataclasses import dataclass

from nurture.domain.messages.status import MessageStatus
from nurture.domain.reasons import KEYS
from nurture.domain.sequences.sequence import Sequence
from nurture.domain.tracking.events import EventKind
from nurture.rendering.compile import CompiledEmail
from nurture.rendering.message import shared_values
from nurture.rendering.templates import compile_template
from nurture.services.catalogue import Published
from nurture.services.profile import phrases

#: What became of an email; `{}` is replaced by its subject.
BECAME: Mapping[MessageStatus, str] = {
    MessageStatus.CLAIMED: "“{}” is about to be sent",
    MessageStatus.SENDING: "“{}” is being offered to the mail server just now",
    MessageStatus.ACCEPTED: "Sent “{}”",
    MessageStatus.DELIVERED: "Sent “{}”, and it arrived",
    MessageStatus.DEFERRED: "“{}” was put off",
    MessageStatus.FAILED: "“{}” was refused for good",
    MessageStatus.BOUNCED: "Sent “{}”, and it came back",
    MessageStatus.COMPLAINED: "Sent “{}”, and it was reported as junk",
    MessageStatus.IN_DOUBT: "“{}” may or may not have been sent",
    MessageStatus.CANCELLED: "“{}” was taken back before it was sent",
}

#: What someone did; `{}` is replaced by the email.
DEEDS: Mapping[EventKind, str] = {
    EventKind.OPENED: "Opened {}",
    EventKind.CLICKED: "Followed a link in {}",
    EventKind.DOWNLOADED: "Collected the guide",
    EventKind.BOOKED: "Booked a session",
    EventKind.RESCHEDULED: "Moved their session",
    EventKind.CANCELLED: "Cancelled their session",
    EventKind.UNSUBSCRIBED: "Unsubscribed",
    EventKind.STAYED: "Said that they want to stay",
    EventKind.REPLIED: "Replied to {}",
    EventKind.USED_PAGE: "Used their own page",
    EventKind.COMPLAINED: "Reported {} as junk",
    EventKind.BOUNCED: "{} came back",
    EventKind.LIFTED: "The address is written to again",
}

#: What the owner did for them in the studio.
DONE_HERE: Mapping[EventKind, str] = {
    EventKind.PAUSED: "You paused their emails until {until}",
    EventKind.RESUMED: "You let their emails go on",
    EventKind.REMOVED: "You took them out of “{sequence}”",
    EventKind.PUT_BACK: "You put them back into “{sequence}”",
    EventKind.UNSUBSCRIBED: "You unsubscribed them, as they asked",
    EventKind.LIFTED: "You had the address written to again",
}

#: What someone did that shows their engagement, in words that follow “they”.
LIVELY: Mapping[EventKind, str] = {
    **phrases.DEEDS,
    EventKind.OPENED: "opened {}",
    EventKind.CLICKED: "followed a link in {}",
    EventKind.REPLIED: "replied to {}",
}


@dataclass(frozen=True, slots=True)
class Titles:
    """Names as the owner has them: titles of sequences, and subjects as that first name gets them.

    Anything no longer published has no title or subject and is named by its key.
    """

    published: Published
    first_name: str = ""

    def sequence(self, key: str) -> str:
        """Name a sequence by its title."""
        return f"“{self.title(key)}”"

    def step(self, sequence: str, step: str) -> str:
        """Name a step by its email's subject."""
        key = f"{sequence}/{step}"
        return f"“{self.subject(key)}”" if self._is_known(key) else KEYS.step(sequence, step)

    def email(self, sequence: str, step: str) -> str:
        """Name a step by its email's subject, which belongs to one sequence."""
        key = f"{sequence}/{step}"
        return f"“{self.subject(key)}”" if self._is_known(key) else KEYS.email(sequence, step)

    def title(self, key: str) -> str:
        """Return the title of a sequence."""
        return self.published.titles.get(key, key)

    def subject(self, key: str) -> str:
        """Return what an email is called, for someone of that first name."""
        return subject_of(self.published, key, self.first_name)

    def _is_known(self, key: str) -> bool:
        return key in self.published.subjects


def subject_of(published: Published, key: str, first_name: str = "") -> str:
    """Return an email's subject for someone with that first name, or without one."""
    email = published.find_email(key)
    if email is None:
        return published.subjects.get(key, key)
    return subject_in(published, key.partition("/")[0], email, first_name)


def subject_in(published: Published, sequence: str, email: CompiledEmail, first_name: str) -> str:
    """Return an email's subject for someone with that name, even if its sequence is gone."""
    of = published.find_sequence(sequence) or Sequence(sequence, "", ())
    values = shared_values(email, of, published.practice) | {"first_name": first_name}
    return compile_template(email.subject, html=False).render(values)
