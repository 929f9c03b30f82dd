"""Wix: an automation that sends a submitted form, its fields under keys and again under labels.

https://support.wix.com/en/article/wix-automations-sending-data-via-webhook-with-an-automation
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nurture.builders import FormBuilder, FormFields
from nurture.builders.fields.labels import Labelled, read_labelled
from nurture.builders.fields.recognition import object_in, objects_in, time_in

_FIELD = "field:"

#: What Wix adds to the key of a field that is there more than once, or was added later.
_SUFFIX = re.compile(r"_[0-9a-f]{4}$")


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the fields of a submitted form, whether all were sent or only chosen ones."""
    form = object_in(fields, "data") or fields
    if not any(str(name).startswith(_FIELD) for name in form):
        return None
    signup = read_labelled([*_fields(form), *_submissions(form), *_person(form)])
    return signup and signup | time_in(form, "submissionTime")


def _fields(form: Mapping[str, Any]) -> Iterator[Labelled]:
    for name, value in form.items():
        if str(name).startswith(_FIELD):
            yield Labelled((_SUFFIX.sub("", name.removeprefix(_FIELD)),), value)
        elif str(name).startswith("utm_"):
            yield Labelled((name,), value)


def _submissions(form: Mapping[str, Any]) -> Iterator[Labelled]:
    for field in objects_in(form, "submissions"):
        if isinstance(label := field.get("label"), str):
            yield Labelled((label,), field.get("value"))


def _person(form: Mapping[str, Any]) -> Iterator[Labelled]:
    """Yield what Wix keeps about the visitor, which counts where the form itself says nothing."""
    person = object_in(form, "contact")
    name = object_in(person, "name")
    yield Labelled(("first name",), name.get("first"))
    yield Labelled(("last name",), name.get("last"))


BUILDER = FormBuilder(
    name="wix",
    label="Wix",
    read=read,
    setup=(
        "In the dashboard of your Wix site, open Automations and choose “New Automation”, then "
        "“Start from Scratch”.",
        "As the trigger, choose Wix Forms, “Form submitted”, and the form that offers the guide.",
        "As the action, choose “Send HTTP request” (in older sites, “Send via webhook”), with the "
        "method POST.",
        "Enter {address} as the target URL, and let it send all keys and values.",
        "Choose Activate.",
    ),
)
