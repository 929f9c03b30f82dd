"""Notes for the owner on refused or odd calls, made after the response; our failures are logged."""

from collections.abc import Iterator, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, request

from nurture import booking
from nurture.bootstrap import Context
from nurture.domain.tracking.networks import network_of
from nurture.mail import providers
from nurture.payload import PayloadError
from nurture.services.inbound import refusals
from nurture.services.inbound.refusals import Pace
from nurture.store.tables.refused_calls import BOXES, RefusedCall
from webhooks.callers import client_of

_DOORS = ("signup", "mail", "bookings")

#: How many odd events of one call are noted; more would only repeat them.
_MOST_ODD = 5


def odd_events() -> list[PayloadError]:
    """Return the list of odd events in the current call; its other events are still stored."""
    if "odd_events" not in g:
        g.odd_events = []
    odd: list[PayloadError] = g.odd_events
    return odd


def note_refusals(app: Flask, context: Context) -> None:
    """Note every refused webhook call and every odd event; accepted calls cost nothing.

    Failures on our side are not noted: they say nothing about the caller, and the database may be
    unavailable.
    """
    app.log_exception = partial(_log_fault, app)  # type: ignore[method-assign]
    pace, known = Pace(), frozenset({*booking.registry(), *providers.registry()})
    pace_of_boxes = Pace(most=5)

    @app.after_request
    def note(response: Response) -> Response:
        for refused in _refused(response, context):
            if pace.allows(context.clock()):
                refusals.note_call(*context.stored, refused, known)
        return response

    @app.after_request
    def note_boxes(response: Response) -> Response:
        boxes: tuple[str, Sequence[str]] | None = g.pop("boxes", None)
        if boxes and pace_of_boxes.allows(context.clock()):
            noted = _as_noted_boxes(boxes[0], boxes[1], response, context)
            refusals.note_call(*context.stored, noted, known)
        return response


def not_understood(form: str, boxes: Sequence[str]) -> None:
    """Note, after the response, which boxes of an accepted signup were not understood."""
    if boxes:
        g.boxes = form, boxes


def _log_fault(app: Flask, fault: Any) -> None:
    """Log which route failed and where, but never the URL, which may contain personal data."""
    rule = request.url_rule.rule if request.url_rule else "an address that nothing answers"
    app.logger.error("%s %s failed", request.method, rule, exc_info=fault)


def _refused(response: Response, context: Context) -> Iterator[RefusedCall]:
    """Yield what was refused in this call: all of it, or single events."""
    called = _called()
    if called is None:
        return
    if 400 <= response.status_code < 500:
        said = g.pop("problem", None) or response.get_json(silent=True, force=True) or {}
        detail, field = str(said.get("detail", "")), str(said.get("field", ""))
        yield _as_noted(called, response.status_code, detail, field, context)
    elif response.status_code < 400:
        for odd in odd_events()[:_MOST_ODD]:
            detail = f"One event in this call could not be read; the others were stored. {odd}"
            yield _as_noted(called, HTTPStatus.UNPROCESSABLE_ENTITY, detail, odd.field, context)


def _called() -> tuple[str, str] | None:
    """Return the kind of webhook and the name that were called, or None.

    The key of a website, which may follow the name of a form, is left out.
    """
    parts = request.path.split("/")
    with_key = len(parts) == 5 and parts[2] == "signup"
    if (len(parts) == 4 or with_key) and parts[1] == "webhooks" and parts[2] in _DOORS:
        return parts[2], parts[3]
    return None


def _as_noted(
    called: tuple[str, str], status: int, detail: str, field: str, context: Context
) -> RefusedCall:
    return RefusedCall(
        door=called[0],
        name=called[1],
        called_at=context.clock(),
        status=status,
        problem=refusals.without_addresses(detail),
        field=refusals.without_addresses(field)[:80],
        network=network_of(client_of(request)),
    )


def _as_noted_boxes(
    form: str, boxes: Sequence[str], response: Response, context: Context
) -> RefusedCall:
    return RefusedCall(
        door=BOXES,
        name=form,
        called_at=context.clock(),
        status=response.status_code,
        problem=refusals.without_addresses(f"A box was not understood: {', '.join(boxes)}."),
        field="consent",
        network=network_of(client_of(request)),
    )
