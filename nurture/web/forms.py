"""Reading the forms on our own pages, and where they were sent from."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from flask import request
from werkzeug.datastructures import MultiDict

from nurture.domain.errors import NurtureError
from nurture.domain.known_words import known
from nurture.domain.sequences.sequence import Request
from nurture.domain.subscribers.consent import (
    GUIDE_BOXES,
    OWN_BOXES,
    STREAMS,
    Evidence,
    Purpose,
    Scope,
    read_scope,
)
from nurture.domain.subscribers.preferences import PreferenceChange, Wish

FREQUENCIES = tuple(str(wish) for wish in Wish)
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


class GuideAnswers(NamedTuple):
    """The answers to the boxes of a guide's page, and which it had, if it said so."""

    wanted: Mapping[Purpose, bool]
    shown: frozenset[Purpose] | None = None


def read_answers(form: Mapping[str, str]) -> GuideAnswers:
    """Return the answers to the questions beside the guide's button.

    The page names its boxes, which are never ticked beforehand, so leaving one empty is no refusal.
    Pages of earlier versions had two boxes with their state: there an absent box means no if the
    boxes were shown, and a ticked one always counts. Raise `UnknownChoiceError` for an invalid
    tick.
    """
    if "boxes" not in form:
        ticked = read_purposes(form)
        counted = OWN_BOXES if form.get("asked") else ticked
        return GuideAnswers({purpose: purpose in ticked for purpose in counted})
    named = {known(Purpose, word, None) for word in form["boxes"].split()}
    shown = frozenset(box for box in GUIDE_BOXES if box in named)
    return GuideAnswers(dict.fromkeys(read_purposes(form, GUIDE_BOXES) & shown, True), shown)


def read_purposes(
    form: Mapping[str, str], boxes: Iterable[Purpose] = OWN_BOXES
) -> frozenset[Purpose]:
    """Return the purposes ticked in a form; raise `UnknownChoiceError` for an invalid tick."""
    return frozenset(one for one in boxes if one_of(("", TICKED), form, one) == TICKED)


def read_change(form: MultiDict[str, str]) -> PreferenceChange:
    """Return the change a preference form requests, or raise `UnknownChoiceError`."""
    purposes = read_purposes(form)
    return PreferenceChange(
        frequency=Wish(one_of(FREQUENCIES, form, "frequency")),
        tracking=Purpose.TRACKING in purposes,
        health_topics=Purpose.HEALTH_TOPICS in purposes,
        streams=_read_streams(form),
    )


def _read_streams(form: MultiDict[str, str]) -> dict[Scope, bool]:
    """Return the answers to the boxes for the kinds of email, each of which the page names.

    Pages of earlier versions had none.
    """
    ticked = set(form.getlist("stream"))
    named = ((read_scope(word), word) for word in form.getlist("shown"))
    return {one: word in ticked for one, word in named if one and one.purpose in STREAMS}


def read_request(form: Mapping[str, str]) -> Request | None:
    """Return any request made besides the preferences, or raise `UnknownChoiceError`."""
    return Request(one_of(tuple(Request), form, "ask")) if "ask" in form else None


def read_undo(form: Mapping[str, str]) -> bool:
    """Return whether a form asks to undo an unsubscription; a one-click request never does."""
    return "List-Unsubscribe" not in form and one_of(("", TICKED), form, "undo") == TICKED


def read_kept(form: Mapping[str, str]) -> Scope | None:
    """Return the only kind of email that a form asks to keep; a one-click request never does."""
    if "List-Unsubscribe" in form or "keep" not in form:
        return None
    kept = read_scope(form["keep"])
    if kept is None or kept.purpose not in STREAMS:
        raise _unknown(form["keep"], "keep")
    return kept


def one_of(choices: tuple[str, ...], form: Mapping[str, str], field: str) -> str:
    """Return a field's value; raise `UnknownChoiceError` if it is not a known one."""
    said = form.get(field, "")
    if said not in choices:
        raise _unknown(said, field)
    return said


def _unknown(said: str, field: str) -> UnknownChoiceError:
    return UnknownChoiceError(
        f"“{said[:40]}” is no choice for “{field}”.",
        remedy="Nothing has been changed. Please choose below and try again.",
    )
