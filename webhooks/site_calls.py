"""Notes on the calls of each website with a key, made after the response, for its builder."""

from http import HTTPStatus

from flask import Flask, Response, g, request

from nurture.bootstrap import Context
from nurture.services.door.calls import became_of, find_site_number, note_call
from nurture.services.door.reception import Receipt
from nurture.services.inbound.refusals import Pace, without_addresses
from nurture.store.tables.site_calls import SiteCall


def came_from(site_id: int) -> None:
    """Remember for this call which website it comes from."""
    g.site_id = site_id


def came_to(receipt: Receipt) -> None:
    """Remember for this call what became of the form."""
    g.receipt = receipt


def note_site_calls(app: Flask, context: Context) -> None:
    """Note every call with the key of a website, at a limited pace; our own failures are not noted.

    A call with a key that is unknown leaves no note here: it belongs to no website.
    """
    pace = Pace()

    @app.after_request
    def note(response: Response) -> Response:
        form = _form_called()
        if form is None or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return response
        if pace.allows(context.clock()):
            _note(context, form, response)
        return response


def _form_called() -> str | None:
    """Return the form that was called with a key, or `None` for any other call."""
    parts = request.path.split("/")
    with_key = len(parts) == 5 and parts[1:3] == ["webhooks", "signup"]
    return parts[3] if with_key and request.method != "OPTIONS" else None


def _note(context: Context, form: str, response: Response) -> None:
    receipt: Receipt | None = g.get("receipt")
    site_id: int | None = g.get("site_id")
    if site_id is None:
        # Routing refuses a call with the wrong method before anyone looks at its key.
        site_id = find_site_number(context.database, request.path.split("/")[4])
    if site_id is None:
        return
    call = SiteCall(
        site_id=site_id,
        form=form,
        called_at=context.clock(),
        status=response.status_code,
        reader=receipt.reader if receipt else "",
        said=became_of(receipt) if receipt else without_addresses(_detail(response)),
    )
    note_call(*context.stored, call)


def _detail(response: Response) -> str:
    """Return why a call was refused, as its caller was told."""
    # A visitor's browser gets a page instead, and then the reason is remembered beside it.
    said = g.get("problem") or response.get_json(silent=True, force=True)
    detail = said.get("detail", "") if isinstance(said, dict) else ""
    return str(detail)
