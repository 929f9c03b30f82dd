"""The owner's mappings: saved, listed, removed, and tried on what is kept before they count."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nurture.builders import FormFields
from nurture.builders.fields.signup_body import InvalidSignupError, read_signup
from nurture.domain.door.field_mapping import FieldMapping, apply_mapping
from nurture.domain.errors import NurtureError
from nurture.domain.subscribers.consent import Purpose
from nurture.services.catalogue import Catalogue
from nurture.services.door.kept_calls import as_mapping
from nurture.services.subscribers.signup import insist_on_form
from nurture.store.database import Database
from nurture.store.tables.kept_calls import drop_mapping, mappings_of, put_mapping

_LONGEST_POINTER = 500

#: What a field of a form can agree to; the guide itself is what the form is for.
BOX_PURPOSES = tuple(purpose for purpose in Purpose if purpose is not Purpose.GUIDE)


class MappingError(NurtureError):
    """A mapping that cannot be meant."""


@dataclass(frozen=True, slots=True)
class SavedMapping:
    """A mapping of a form with its number."""

    id: int
    mapping: FieldMapping
    made_at: datetime


@dataclass(frozen=True, slots=True)
class MappedPerson:
    """The person in a form, as a mapping reads it; `problem` if there is none."""

    address: str = field(default="", repr=False)
    first_name: str = field(default="", repr=False)
    ticked: tuple[Purpose, ...] = ()
    problem: str = ""


def as_boxes(pointers: Iterable[tuple[str, Purpose]]) -> dict[str, Purpose]:
    """Return the purposes by field; raise `MappingError` if a field would agree to two things."""
    boxes: dict[str, Purpose] = {}
    for pointer, purpose in pointers:
        if pointer in boxes:
            raise MappingError(
                "One box cannot agree to two things.", remedy="Choose a field of its own for each."
            )
        boxes[pointer] = purpose
    return boxes


def save_mapping(
    database: Database,
    catalogue: Catalogue,
    form: str,
    mapping: FieldMapping,
    now: datetime,
    instead_of: int | None = None,
) -> None:
    """Store what the fields of a form mean; raise `MappingError` or `UnknownFormError`."""
    _insist_on_sense(mapping)
    row = {
        "form": form,
        "email": mapping.email,
        "first_name": mapping.first_name,
        "name": mapping.name,
        "boxes": {pointer: str(purpose) for pointer, purpose in mapping.boxes.items()},
        "made_at": now,
    }
    with database.writing() as connection:
        insist_on_form(catalogue.current(connection), form)
        if instead_of is not None:
            drop_mapping(connection, form, instead_of)
        put_mapping(connection, row)


def list_mappings(database: Database, form: str) -> list[SavedMapping]:
    """Return the mappings of a form, the newest first."""
    with database.reading() as connection:
        stored = mappings_of(connection, form)
    return [SavedMapping(one.id, as_mapping(one), one.made_at) for one in stored]


def remove_mapping(database: Database, form: str, number: int) -> bool:
    """Delete a mapping of a form; return whether it was there."""
    with database.writing() as connection:
        return drop_mapping(connection, form, number)


def try_mapping(fields: FormFields, mapping: FieldMapping) -> MappedPerson:
    """Return the person that a mapping would find in a form, without storing anything."""
    read: Mapping[str, object] | None = apply_mapping(fields, mapping)
    if read is None:
        return MappedPerson(problem="This form does not have the field of the email address.")
    try:
        body = read_signup(read)
    except InvalidSignupError as error:
        return MappedPerson(problem=" ".join(fault.detail for fault in error.faults))
    return MappedPerson(body.email, body.plain_first_name, body.consent.purposes)


def _insist_on_sense(mapping: FieldMapping) -> None:
    if not mapping.email:
        raise MappingError(
            "No field is chosen for the email address.", remedy="Choose the one that contains it."
        )
    pointers = [mapping.email, mapping.first_name, mapping.name, *mapping.boxes]
    for pointer in filter(None, pointers):
        if not pointer.startswith("/") or len(pointer) > _LONGEST_POINTER:
            raise MappingError(
                f"“{pointer[:40]}” is not the place of a field.",
                remedy="Write it as a JSON pointer, such as /form_fields/email.",
            )
    if mapping.email in (mapping.first_name, mapping.name, *mapping.boxes):
        raise MappingError(
            "The email address cannot be another field as well.",
            remedy="Choose different fields.",
        )
