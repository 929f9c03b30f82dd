"""What was refused or not understood is noted for the owner, after it has been answered."""

from collections.abc import Sequence

from flask import Flask, Response, g, request

from nurture import booking
from nurture.bootstrap import House
from nurture.mail import providers
from nurture.services import noting
from nurture.services.noting import Pace
from nurture.store.refused_calls import BOXES, RefusedCall
from webhooks.callers import client_of

_DOORS = ("signup", "mail", "bookings")


def note_refusals(app: Flask, house: House) -> None:
    """Note every refused call to a webhook; accepted ones cost nothing.

    What failed on our side says nothing about the caller, and the database may be away by then.
    """
    pace, known = Pace(), frozenset({*booking.registry(), *providers.registry()})
    pace_of_boxes = Pace(most=5)

    @app.after_request
    def note(response: Response) -> Response:
        call = _refused() if 400 <= response.status_code < 500 else None
        if call and pace.allows(house.clock()):
            noted = _as_noted(call, response, house)
            noting.note_call(house.database, house.catalogue, noted, known)
        return response

    @app.after_request
    def note_boxes(response: Response) -> Response:
        boxes: tuple[str, Sequence[str]] | None = g.pop("boxes", None)
        if boxes and pace_of_boxes.allows(house.clock()):
            noted = _as_noted_boxes(boxes[0], boxes[1], response, house)
            noting.note_call(house.database, house.catalogue, noted, known)
        return response


def not_understood(form: str, boxes: Sequence[str]) -> None:
    """Have it noted, after the answer, which boxes of an accepted signup nobody understood."""
    if boxes:
        g.boxes = form, boxes


def _refused() -> tuple[str, str] | None:
    """Which door and name were called, if it was a webhook's."""
    parts = request.path.split("/")
    if len(parts) == 4 and parts[1] == "webhooks" and parts[2] in _DOORS:
        return parts[2], parts[3]
    return None


def _as_noted(call: tuple[str, str], response: Response, house: House) -> RefusedCall:
    said = response.get_json(silent=True, force=True) or {}
    return RefusedCall(
        door=call[0],
        name=call[1],
        called_at=house.clock(),
        status=response.status_code,
        problem=noting.without_addresses(str(said.get("detail", ""))),
        field=noting.without_addresses(str(said.get("field", "")))[:80],
        network=noting.network_of(client_of(request)),
    )


def _as_noted_boxes(
    form: str, boxes: Sequence[str], response: Response, house: House
) -> RefusedCall:
    return RefusedCall(
        door=BOXES,
        name=form,
        called_at=house.clock(),
        status=response.status_code,
        problem=noting.without_addresses(f"A box that was not understood: {', '.join(boxes)}."),
        field="consent",
        network=noting.network_of(client_of(request)),
    )
