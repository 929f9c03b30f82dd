"""Reading the forms on our own pages, and where they were sent from."""

from collections.abc import Mapping

from flask import request

from nurture.domain.errors import NurtureError
from nurture.domain.sequences.sequence import Request
from nurture.domain.subscribers.consent import OWN_BOXES, Evidence, Purpose
from nurture.domain.subscribers.preferences import PreferenceChange, Wish

FREQUENCIES = tuple(str(wish) for wish in Wish)
ASKED_SEPARATELY = ("tracking", "health_topics")
TICKED = "1"

#: How much is stored of what a browser calls itself; some programs send pages of it.
LONGEST_AGENT = 300


class UnknownChoiceError(NurtureError):
    """A form contains a value that the page does not offer; nothing has been changed."""


def seen_evidence(public_url: str) -> Evidence:
    """Return where the request came from, without the token, which would let a reader act.

    The page is given under our public URL, whatever host name the visitor used.
    """
    return Evidence(
        page_url=public_url + request.path.rpartition("/")[0],
        client=request.remote_addr or "",
        user_agent=request.user_agent.string[:LONGEST_AGENT],
    )


def read_answers(form: Mapping[str, str]) -> dict[Purpose, bool]:
    """Return the answers to the questions beside the guide's button.

    An absent box means no only if the box was shown; a ticked box always counts. Raise
    `UnknownChoiceError` for an invalid tick.
    """
    answers = _purposes_ticked(read_purposes(form))
    return answers if form.get("asked") else {p: yes for p, yes in answers.items() if yes}


def read_purposes(form: Mapping[str, str]) -> set[str]:
    """Return the purposes ticked in a form; raise `UnknownChoiceError` for an invalid tick."""
    return {
        purpose for purpose in ASKED_SEPARATELY if one_of(("", TICKED), form, purpose) == TICKED
    }


def read_change(form: Mapping[str, str]) -> PreferenceChange:
    """Return the change a preference form requests, or raise `UnknownChoiceError`."""
    purposes = read_purposes(form)
    return PreferenceChange(
        frequency=Wish(one_of(FREQUENCIES, form, "frequency")),
        tracking="tracking" in purposes,
        health_topics="health_topics" in purposes,
    )


def read_request(form: Mapping[str, str]) -> Request | None:
    """Return any request made besides the preferences, or raise `UnknownChoiceError`."""
    return Request(one_of(tuple(Request), form, "ask")) if "ask" in form else None


def read_undo(form: Mapping[str, str]) -> bool:
    """Return whether a form asks to undo an unsubscription; a one-click request never does."""
    return "List-Unsubscribe" not in form and one_of(("", TICKED), form, "undo") == TICKED


def one_of(known: tuple[str, ...], form: Mapping[str, str], field: str) -> str:
    """Return a field's value; raise `UnknownChoiceError` if it is not a known one."""
    said = form.get(field, "")
    if said not in known:
        raise UnknownChoiceError(
            f"“{said[:40]}” is no choice for “{field}”.",
            remedy="Nothing has been changed. Please choose below and try again.",
        )
    return said


def _purposes_ticked(ticked: set[str]) -> dict[Purpose, bool]:
    """Return the answers to the two questions on our own pages, given the ticked boxes."""
    return {purpose: purpose in ticked for purpose in OWN_BOXES}
