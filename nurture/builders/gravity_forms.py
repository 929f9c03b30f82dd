"""Gravity Forms: the Webhooks add-on, which sends the entry with numbers for names.

https://docs.gravityforms.com/triggering-webhooks-form-submissions/,
https://docs.gravityforms.com/entry-object/
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from nurture.builders import FormBuilder, FormFields
from nurture.builders.fields.labels import Labelled, labelled, read_labelled
from nurture.builders.fields.values import plain_text

#: A field's number, and that of its input: `4`, `1.3`, and as browsers send them `input_1.3`.
_NUMBERED = re.compile(r"(?:input_)?(\d{1,5})(?:[._](\d{1,3}))?")

#: Far more than a form has.
_MOST = 500

#: The inputs of a name; an address has a `.1` or a `.5` besides.
_FIRST, _LAST, _NEVER_OF_A_NAME = "3", "6", frozenset({"1", "5"})

#: The inputs of a consent: the tick, its wording, and the revision of the form.
_CONSENT = frozenset({"1", "2", "3"})


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the fields of an entry, or `None`."""
    entry = fields.get("entry")
    entry = entry if isinstance(entry, Mapping) else fields
    numbered = _numbered(entry)
    if not numbered:
        return None
    labels = _labels_in(fields)
    known = [one for number, inputs in numbered.items() for one in _field(number, inputs, labels)]
    return read_labelled([*known, *_others(entry)])


def _numbered(entry: FormFields) -> dict[str, dict[str, Any]]:
    """Return the inputs of each field by its number; a field of one input has it under ""."""
    numbered: dict[str, dict[str, Any]] = {}
    for name, value in islice(entry.items(), _MOST):
        if found := _NUMBERED.fullmatch(name):
            numbered.setdefault(found[1], {})[found[2] or ""] = value
    return numbered


def _field(number: str, inputs: dict[str, Any], labels: Mapping[str, str]) -> Iterator[Labelled]:
    """Yield what one field says: a name in parts, a consent with its wording, or its values."""
    if _FIRST in inputs and _NEVER_OF_A_NAME.isdisjoint(inputs):
        yield Labelled(("first",), inputs[_FIRST])
        yield Labelled(("last",), inputs.get(_LAST))
    elif inputs.keys() == _CONSENT and plain_text(inputs["3"]).isdecimal():
        yield Labelled((plain_text(inputs["2"]), "consent"), inputs["1"])
    else:
        label = labels.get(number)
        for part, value in inputs.items():
            yield Labelled(
                (number, *([label] if label else ()), *(["checkbox"] if part else ())), value
            )


def _labels_in(fields: FormFields) -> dict[str, str]:
    """Return the labels of the fields by number, if the form's own fields were sent as well."""
    form = fields.get("form")
    listed = form.get("fields") if isinstance(form, Mapping) else fields.get("fields")
    described = (
        [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    )
    return {plain_text(one.get("id")): plain_text(one.get("label")) for one in described[:_MOST]}


def _others(entry: FormFields) -> list[Labelled]:
    """Return what is not numbered: the visit, and fields that the owner or a plugin has named."""
    return labelled({k: v for k, v in entry.items() if not _NUMBERED.fullmatch(k)})


BUILDER = FormBuilder(
    name="gravity_forms",
    label="Gravity Forms",
    read=read,
    setup=(
        "In WordPress, install and activate the Webhooks add-on of Gravity Forms.",
        "Open your form, then Settings, Webhooks, and click “Add New”.",
        "Enter {address} as the Request URL. Choose POST as the Request Method and JSON as the "
        "Request Format.",
        "As the Request Body, choose “Select Fields”. Under Field Values, add the key email with "
        "the email field, and the key first_name with “Name (First)”. For each box, add a key such "
        "as tracking or news with the consent field of that box.",
        "Choosing “All Fields” instead works if the form asks for only one email address.",
        "Save the feed and send the form once yourself.",
    ),
    reads_native=True,
)
