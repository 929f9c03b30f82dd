"""The fields of forms that nothing could read: the owner says what each of them means."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from nurture.bootstrap import Context
from nurture.domain.door.field_mapping import FieldMapping
from nurture.domain.door.found_fields import FoundField, found_fields, guess_mapping, label_of
from nurture.domain.sequences.sequence import Sequence as EmailSequence
from nurture.domain.subscribers.consent import Purpose
from nurture.services.door import kept_calls
from nurture.services.door.mappings import (
    BOX_PURPOSES,
    MappingError,
    as_boxes,
    list_mappings,
    remove_mapping,
    save_mapping,
    try_mapping,
)
from nurture.services.door.replay import Replayed, replay
from nurture.web.studio.core.auth import LARGEST_NUMBER
from nurture.web.studio.core.errors import confirm_page
from nurture.web.studio.core.flash import tell
from nurture.web.studio.core.formatting import count
from nurture.web.studio.website.words import BOX_WORDS
from nurture.web.views import Views

#: How many of the newest calls are looked at for their fields, and how many are shown.
_LOOKED_AT, _SHOWN = 20, 5


class FieldPages(Views):
    """The views."""

    def show_fields(self, form: str) -> str:
        """Show the fields found, what they may mean, and what is kept."""
        return self._page(form, self._mapping_to_edit(form))

    def map_fields(self, form: str) -> str | Response | tuple[str, int]:
        """Show what a mapping would read, or save it and take in all that it reads."""
        self._sequence(form)
        mapping = _loosely(request.form)
        try:
            mapping = _read_mapping(request.form)
            if request.form.get("do") != "save":
                return self._page(form, mapping, tried=True)
            number = _number(request.form.get("instead_of", ""))
            save_mapping(*self.context.stored, form, mapping, self.context.clock(), number)
        except MappingError as error:
            return self._page(form, mapping, problem=str(error)), 422
        return self._replayed(form, "Saved. ")

    def try_again(self, form: str) -> Response:
        """Take in all that can be read now, without another mapping."""
        self._sequence(form)
        return self._replayed(form, "")

    def remove(self, form: str, number: int) -> Response:
        """Remove a mapping; what it has read stays as it is."""
        remove_mapping(self.context.database, form, number)
        tell("Removed. Forms like that wait again until you say what their fields mean.")
        return redirect(url_for("studio.show_fields", form=form), 303)

    def drop_one(self, form: str, number: int) -> Response:
        """Delete one kept form."""
        kept_calls.drop_kept(self.context.database, form, number)
        tell("Deleted.")
        return redirect(url_for("studio.show_fields", form=form, _anchor="kept"), 303)

    def ask_to_drop(self, form: str) -> str:
        """Ask before deleting everything that is kept for a form."""
        kept = kept_calls.count_kept(self.context.database).get(form, 0)
        return confirm_page(
            "Delete everything that waits?",
            f"{count(kept, 'form')} will be deleted. Nobody in them is signed up or told.",
            button="Delete all of it",
            action=url_for("studio.drop_kept", form=form),
            back=url_for("studio.show_fields", form=form),
            danger=True,
        )

    def drop_all(self, form: str) -> Response:
        """Delete everything that is kept for a form."""
        dropped = kept_calls.drop_kept(self.context.database, form)
        tell(f"Deleted: {count(dropped, 'form')}.")
        return redirect(url_for("studio.show_website"), 303)

    def _replayed(self, form: str, before: str) -> Response:
        context = self.context
        done = replay(context.door, form, context.clock())
        context.doorbell.ring()
        tell(before + _said(done))
        return redirect(url_for("studio.show_fields", form=form), 303)

    def _mapping_to_edit(self, form: str) -> FieldMapping | None:
        number = _number(request.args.get("edit", ""))
        saved = list_mappings(self.context.database, form) if number is not None else []
        return next((one.mapping for one in saved if one.id == number), None)

    def _page(
        self, form: str, mapping: FieldMapping | None, tried: bool = False, problem: str = ""
    ) -> str:
        context, sequence = self.context, self._sequence(form)
        newest = kept_calls.newest_kept(context.database, context.seal, form, _LOOKED_AT)
        found = found_fields(call.fields for call in newest)
        meant = mapping or guess_mapping(found)
        return render_template(
            "studio/fields.html",
            sequence=sequence,
            form=form,
            count=kept_calls.count_kept(context.database).get(form, 0),
            kept_for=kept_calls.CALLS_KEPT_FOR,
            found=found,
            choices=_choices(found, meant),
            mapping=meant,
            chosen_boxes={str(purpose): pointer for pointer, purpose in meant.boxes.items()},
            box_words=[(str(one), BOX_WORDS[one]) for one in BOX_PURPOSES],
            purpose_words=BOX_WORDS,
            instead_of=request.values.get("edit") or request.values.get("instead_of", ""),
            people=[try_mapping(call.fields, meant) for call in newest[:_SHOWN]] if tried else [],
            problem=problem,
            calls=[(call, found_fields([call.fields])) for call in newest[:_SHOWN]],
            mappings=list_mappings(context.database, form),
            label_of=label_of,
        )

    def _sequence(self, form: str) -> EmailSequence:
        return self.context.get_published().sequence_of_form(form) or abort(404)


def _choices(found: Sequence[FoundField], mapping: FieldMapping) -> list[tuple[str, str]]:
    """Return the fields to choose from, with an example of each."""
    known = {one.pointer: _with_example(one) for one in found}
    named = filter(None, (mapping.email, mapping.first_name, mapping.name, *mapping.boxes))
    return [("", "No field"), *({at: label_of(at) for at in named} | known).items()]


def _with_example(field: FoundField) -> str:
    return f"{field.label} (“{field.values[0][:40]}”)" if field.values else field.label


def _read_mapping(form: MultiDict[str, str]) -> FieldMapping:
    """Return the mapping that was chosen; raise `MappingError`."""
    return replace(_loosely(form), boxes=as_boxes(_boxes(form)))


def _loosely(form: MultiDict[str, str]) -> FieldMapping:
    """Return what was chosen as far as it makes sense, to be shown again."""
    email, first_name, name = (form.get(one, "") for one in ("email", "first_name", "name"))
    return FieldMapping(email, first_name, name, dict(_boxes(form)))


def _boxes(form: MultiDict[str, str]) -> Iterator[tuple[str, Purpose]]:
    for purpose in BOX_PURPOSES:
        if pointer := form.get(f"box-{purpose}", ""):
            yield pointer, purpose


def _number(said: str) -> int | None:
    """Return a number that may be that of a row, or `None`."""
    right = said.isascii() and said.isdigit() and len(said) < 11
    return int(said) if right and int(said) <= LARGEST_NUMBER else None


def _said(done: Replayed) -> str:
    """Say what became of what was kept."""
    signed_up = f"Signed up: {count(done.taken, 'person', 'people')}."
    waits = f" Of these, {done.waiting} wait for their turn." if done.waiting else ""
    left = f" Still waiting to be understood: {count(done.left, 'form')}." if done.left else ""
    return f"{signed_up}{waits}{left}"


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for the fields of a form."""
    views, one = FieldPages(context), "/settings/website/<form>/fields"
    studio.get(one)(views.show_fields)
    studio.post(one)(views.map_fields)
    studio.post(f"{one}/again", endpoint="try_fields_again")(views.try_again)
    studio.post(f"{one}/mappings/<int:number>/remove", endpoint="remove_mapping")(views.remove)
    studio.post(f"{one}/kept/<int:number>/drop", endpoint="drop_kept_call")(views.drop_one)
    studio.get(f"{one}/drop", endpoint="ask_to_drop_kept")(views.ask_to_drop)
    studio.post(f"{one}/drop", endpoint="drop_kept")(views.drop_all)
