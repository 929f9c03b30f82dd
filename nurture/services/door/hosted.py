"""Our own page of a form: what it shows, and what becomes of it when it is sent.

What a visitor saw and what the record of consents proves are the same bytes: the page shows the
form's wording and those of our own boxes, says which it has shown, and is shown again if they have
changed since.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from nurture.builders.fields.signup_body import read_signup
from nurture.domain.door.likely_domains import did_you_mean
from nurture.domain.door.waiting import suspect
from nurture.domain.subscribers.consent import GUIDE_BOXES, OWN_WORDINGS, Purpose, wording_hash
from nurture.services.catalogue import Published
from nurture.services.door import challenge
from nurture.services.door.admission import SignupArrival
from nurture.services.door.origins import AllowedOrigins, allowed_in
from nurture.services.door.reception import Door, Receipt, SentForm, receive
from nurture.services.door.thanks import thanks_for
from nurture.services.subscribers.signup import insist_on_form
from nurture.tokens import TokenRefusedError, Tokens


@dataclass(frozen=True, slots=True)
class HostedForm:
    """A form as our page shows it; `boxes` are those that would have an effect.

    `seen` identifies the wordings, and `challenge` is set if the visitor is to solve one.
    """

    key: str
    title: str
    wording: str
    boxes: tuple[Purpose, ...]
    allowed: AllowedOrigins
    thanks_url: str
    made: str
    challenge: str = ""

    @property
    def wordings(self) -> Mapping[Purpose, str]:
        """The wording of each box."""
        return {box: OWN_WORDINGS[box] for box in self.boxes}

    @property
    def seen(self) -> str:
        """What identifies everything that a visitor of the page agrees to."""
        return wording_hash("\n".join((self.wording, *self.wordings.values())))


class PageQuestion(StrEnum):
    """Why the page is shown again instead of taking the form in."""

    WORDING = "wording"
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class SentPage:
    """What our own page sends beside the fields of a signup.

    `made` is the token of the page, `seen` what identifies the wordings, and `boxes` those that it
    had. `asked` is the address that the page has already asked about. `challenged` says that it set
    a challenge, which `solution` solves.
    """

    made: str = ""
    seen: str = ""
    boxes: tuple[Purpose, ...] = ()
    asked: str = ""
    trapped: bool = False
    challenged: bool = False
    solution: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a form from our page: a receipt, or a question; `meant` is the suggestion."""

    receipt: Receipt | None = None
    question: PageQuestion | None = None
    meant: str = ""


def find_hosted(door: Door, form: str, visitor: str, now: datetime, thanks: str = "") -> HostedForm:
    """Return a form as a visitor is to see it; raise `UnknownFormError`.

    `thanks` is the page of thanks that the website asks for.
    """
    with door.database.reading() as connection:
        published = door.catalogue.current(connection)
        sequence = insist_on_form(published, form)
        allowed = allowed_in(connection, published.practice.website_url)
        due = challenge.is_due(connection, form, visitor, door.limits, now)
        return HostedForm(
            key=form,
            title=sequence.guide_title,
            wording=sequence.form.wording if sequence.form else "",
            boxes=_boxes(published, form),
            allowed=allowed,
            thanks_url=thanks_for(connection, allowed, form, thanks),
            made=door.tokens.form_page(_milliseconds(now)),
            challenge=challenge.make_challenge(door.tokens, form, now) if due else "",
        )


def take_in(door: Door, hosted: HostedForm, sent: SentForm, page: SentPage, now: datetime) -> Taken:
    """Take in a form from our own page, or from a site that posts there, or ask a question first.

    May raise what `receive` raises.
    """
    address = read_signup(sent.fields).email
    if page.seen and page.seen != hosted.seen:
        return Taken(question=PageQuestion.WORDING)
    meant = "" if page.asked in (address, str(sent.fields["email"])) else did_you_mean(address)
    if meant and page.made:
        return Taken(question=PageQuestion.DOMAIN, meant=meant)
    shown = {box: OWN_WORDINGS[box] for box in page.boxes if box in hosted.boxes}
    arrival = _arrival(door, sent, page, now)
    return Taken(receive(door, replace(sent, arrival=arrival, wordings=shown), now))


def _boxes(published: Published, form: str) -> tuple[Purpose, ...]:
    """Return the boxes that would have an effect: not those that the form's own words cover."""
    sequence = published.sequence_of_form(form)
    covered = set(sequence.form.grants) if sequence and sequence.form else set()
    idle = set() if published.segments.health else {Purpose.HEALTH_TOPICS}
    return tuple(box for box in GUIDE_BOXES if box not in covered | idle)


def _arrival(door: Door, sent: SentForm, page: SentPage, now: datetime) -> SignupArrival:
    filled_in = _filled_in(door.tokens, page.made, now)
    solved = page.challenged and challenge.spend(
        door.database, door.tokens, sent.form, page.solution, now
    )
    return SignupArrival(
        vouched=False,
        visitor=sent.client,
        suspected=suspect(trapped=page.trapped, filled_in=filled_in),
        solved=solved if page.challenged else None,
    )


def _filled_in(tokens: Tokens, made: str, now: datetime) -> timedelta | None:
    """Return the time since a page was made, or `None` if it does not say so credibly."""
    try:
        made_at = tokens.read_form_page(made)
        return now - datetime.fromtimestamp(made_at / 1000, UTC)
    except (TokenRefusedError, ValueError, OverflowError, OSError):
        return None


def _milliseconds(now: datetime) -> int:
    return int(now.timestamp() * 1000)
