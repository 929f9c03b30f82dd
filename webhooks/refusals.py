"""What was refused or not understood is noted for the owner, after it has been answered.

What failed on our side is written into the log.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, request

from nurture import booking
from nurture.bootstrap import House
from nurture.domain.tracking.networks import network_of
from nurture.mail import providers
from nurture.payload import PayloadError
from nurture.services.inbound import refusals
from nurture.services.inbound.refusals import Pace
from nurture.store.tables.refused_calls import BOXES, RefusedCall
from webhooks.callers import client_of

_DOORS = ("signup", "mail", "bookings")

#: Of so many odd events in one call each is noted; more would say the same again.
_MOST_ODD = 5


def odd_events() -> list[PayloadError]:
    """What was odd about events of the present call; the rest of it is kept all the same."""
    if "odd_events" not in g:
        g.odd_events = []
    odd: list[PayloadError] = g.odd_events
    return odd


def note_refusals(app: Flask, house: House) -> None:
    """Note every refused call to a webhook and every odd event; accepted calls cost nothing.

    What failed on our side says nothing about the caller, and the database may be away by then.
    """
    app.log_exception = partial(_log_fault, app)  # type: ignore[method-assign]
    pace, known = Pace(), frozenset({*booking.registry(), *providers.registry()})
    pace_of_boxes = Pace(most=5)

    @app.after_request
    def note(response: Response) -> Response:
        for refused in _refused(response, house):
            if pace.allows(house.clock()):
                refusals.note_call(house.database, house.catalogue, refused, known)
        return response

    @app.after_request
    def note_boxes(response: Response) -> Response:
        boxes: tuple[str, Sequence[str]] | None = g.pop("boxes", None)
        if boxes and pace_of_boxes.allows(house.clock()):
            noted = _as_noted_boxes(boxes[0], boxes[1], response, house)
            refusals.note_call(house.database, house.catalogue, noted, known)
        return response


def not_understood(form: str, boxes: Sequence[str]) -> None:
    """Have it noted, after the answer, which boxes of an accepted signup nobody understood."""
    if boxes:
        g.boxes = form, boxes


def _log_fault(app: Flask, fault: Any) -> None:
    """Say which route failed and where; what was typed into its address is nobody's business."""
    rule = request.url_rule.rule if request.url_rule else "an address that nothing answers"
    app.logger.error("%s %s failed", request.method, rule, exc_info=fault)


def _refused(response: Response, house: House) -> Iterator[RefusedCall]:
    """What of this call was refused: all of it, or single events."""
    called = _called()
    if called is None:
        return
    if 400 <= response.status_code < 500:
        said = response.get_json(silent=True, force=True) or {}
        detail, field = str(said.get("detail", "")), str(said.get("field", ""))
        yield _as_noted(called, response.status_code, detail, field, house)
    elif response.status_code < 400:
        for odd in odd_events()[:_MOST_ODD]:
            detail = f"One event of this call could not be read; the others were kept. {odd}"
            yield _as_noted(called, HTTPStatus.UNPROCESSABLE_ENTITY, detail, odd.field, house)


def _called() -> tuple[str, str] | None:
    """Which door and name were called, if it was a webhook's."""
    parts = request.path.split("/")
    if len(parts) == 4 and parts[1] == "webhooks" and parts[2] in _DOORS:
        return parts[2], parts[3]
    return None


def _as_noted(
    called: tuple[str, str], status: int, detail: str, field: str, house: House
) -> RefusedCall:
    return RefusedCall(
        door=called[0],
        name=called[1],
        called_at=house.clock(),
        status=status,
        problem=refusals.without_addresses(detail),
        field=refusals.without_addresses(field)[:80],
        network=network_of(client_of(request)),
    )


def _as_noted_boxes(
    form: str, boxes: Sequence[str], response: Response, house: House
) -> RefusedCall:
    return RefusedCall(
        door=BOXES,
        name=form,
        called_at=house.clock(),
        status=response.status_code,
        problem=refusals.without_addresses(f"A box that was not understood: {', '.join(boxes)}."),
        field="consent",
        network=network_of(client_of(request)),
    )
