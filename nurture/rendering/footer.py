"""What the footer of an email says besides the practice's address: why this person gets it.

Beneath it, a broadcast may ask someone without tracking whether they still want the emails.
"""

from collections.abc import Mapping
from textwrap import fill

from markupsafe import Markup

from nurture.domain.rights.account import Ground
from nurture.domain.rights.mailing import Mailing
from nurture.domain.scheduling.gate import mailing_of
from nurture.domain.sequences.sequence import Request, Sequence, StepKind
from nurture.domain.subscribers.consent import Purpose, Scope

_ASKED: Mapping[Request | None, str] = {
    Request.DATA: "you asked for a copy of your data on your own page with us",
    Request.ERASURE: "you asked us on your own page to erase your data",
    None: "you asked us for it",
}

_NO_WORD = "We have heard nothing from you for two years, and do not record what you open."
_SAY_SO = "tell us that you still want our emails"
_NOTHING_CHANGES = "Nothing changes if you don’t."
_LINES = Markup('{}<br />{} If you like, <a href="{}">{}</a>. {}')

_AS_CLIENT = "you are a client of ours. We may tell you about our own services until you say no"


def why_sent(sequence: Sequence, email: str, kind: StepKind, ground: Ground) -> str:
    """Return why people get an email of a sequence, as a sentence that is true on that ground."""
    scope = _scope(sequence, email, kind)
    mailing = mailing_of(kind, scope)
    return f"You are getting this email because {_because(sequence, mailing, scope, ground)}."


def and_still_wanted(why: str, url: str, *, html: bool) -> str:
    """Return the sentence of `why_sent` and beneath it the line that asks whether they want more.

    `url` is the address of the page on which they can say so, or a mark for it.
    """
    if html:
        return _LINES.format(why, _NO_WORD, url, _SAY_SO, _NOTHING_CHANGES)
    said = fill(f"{_NO_WORD} If you like, {_SAY_SO}. {_NOTHING_CHANGES}", 72)
    return f"{why}\n\n{said}\n{url}"


def _because(sequence: Sequence, mailing: Mailing, scope: Scope | None, ground: Ground) -> str:
    guide = f"you asked for our free guide, “{sequence.guide_title}”"
    match mailing:
        case Mailing.GUIDE:
            return f"{guide}, on our website"
        case Mailing.REMINDER:
            return f"{guide}, and have not downloaded it yet"
        case Mailing.OWN_DATA | Mailing.ANSWER | Mailing.PERSONAL:
            return _ASKED[sequence.answers]
        case Mailing.STILL_THERE:
            silent = "we have not heard from you for a long time"
            return f"{_agreed(ground)} to get our emails, and {silent}"
        case _:
            agreed = f"{_agreed(ground)} to {_stream(sequence, scope)}"
            return _AS_CLIENT if ground is Ground.CLIENT else agreed


def _agreed(ground: Ground) -> str:
    return (
        "a list that we were given says that you agreed" if ground is Ground.LIST else "you agreed"
    )


def _stream(sequence: Sequence, scope: Scope | None) -> str:
    match scope.purpose if scope else Purpose.SERIES:
        case Purpose.ARTICLES:
            return "get new articles from us"
        case Purpose.NEWS:
            return "get our news and offers"
        case _:
            return f"get our series “{sequence.title}”" if sequence.form else "get our emails"


def _scope(sequence: Sequence, email: str, kind: StepKind) -> Scope | None:
    """Return what people must have agreed to for an email, even if it is no step yet."""
    step = next((one for one in sequence.steps if one.email == email), None)
    purpose = (step.stream if step else None) or kind.rules.consent
    return Scope(purpose) if purpose else None
