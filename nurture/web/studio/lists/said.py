"""What the owner says of an uploaded list, read from the page's form."""

from collections.abc import Mapping
from datetime import date

from werkzeug.datastructures import MultiDict

from nurture.domain.imports.said import ListSaid, StatementError, insist_on_whole, read_covers
from nurture.domain.imports.statement import Statement
from nurture.services.imports.uploads import Upload

#: Characters of what is typed.
_LONGEST = 2000


def read_said(form: MultiDict[str, str], upload: Upload, forms: list[str]) -> ListSaid:
    """Return what a form says of an upload; may raise `StatementError`."""
    statement = Statement(
        covers=read_covers(form.getlist("covers"), forms),
        wording=_text(form, "wording"),
        where=_text(form, "where"),
        since=_day(form, "since"),
        until=_day(form, "until"),
        client=bool(form.get("client")),
        bought=_text(form, "bought"),
        way_out_offered=bool(form.get("way_out_offered")),
    )
    insist_on_whole(statement)
    columns = {**upload.said.columns, **_corrected(form, upload)}
    return ListSaid(statement, columns, _text(form, "encoding"), _text(form, "start"))


def _corrected(form: Mapping[str, str], upload: Upload) -> dict[str, str]:
    """Return the columns whose menu says something else than before."""
    shown = upload.found.get("shown", [])
    chosen = {one["name"]: form.get(f"column-{n}", "") for n, one in enumerate(shown)}
    before = {one["name"]: one["meaning"] for one in shown}
    return {name: said for name, said in chosen.items() if said and said != before[name]}


def _text(form: Mapping[str, str], name: str) -> str:
    return form.get(name, "").strip()[:_LONGEST]


def _day(form: Mapping[str, str], name: str) -> date | None:
    if not (text := _text(form, name)):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise StatementError("A day is none.", remedy="Write it like 2019-05-03.") from None
