"""What was refused is noted for the owner, after it has been answered."""

from flask import Flask, Response, request

from nurture import booking
from nurture.bootstrap import House
from nurture.mail import providers
from nurture.services import noting
from nurture.services.noting import Pace
from nurture.store.refused_calls import RefusedCall
from webhooks.callers import client_of

_DOORS = ("signup", "mail", "bookings")


def note_refusals(app: Flask, house: House) -> None:
    """Note every refused call to a webhook; accepted ones cost nothing.

    What failed on our side says nothing about the caller, and the database may be away by then.
    """
    pace, known = Pace(), frozenset({*booking.registry(), *providers.registry()})

    @app.after_request
    def note(response: Response) -> Response:
        call = _refused() if 400 <= response.status_code < 500 else None
        if call and pace.allows(house.clock()):
            noted = _as_noted(call, response, house)
            noting.note_refused_call(house.database, house.catalogue, noted, known)
        return response


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
