"""Zapier: fields as its owner has named them, or all of a step's with double underscores.

https://help.zapier.com/hc/en-us/articles/8496326446989-Send-webhooks-in-Zaps
"""

import re
from typing import Any

from nurture.builders import FormBuilder, FormFields
from nurture.builders.fields.envelopes import GENERAL, is_recognised
from nurture.builders.fields.labels import labelled, read_labelled
from nurture.builders.fields.recognition import is_other_event

#: How Zapier writes a field inside another one: `answers__email`.
_NESTED = re.compile(r"[^_]__[^_]")


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the fields of a step that was sent whole; named ones are read by their names."""
    if not any(_NESTED.search(str(name)) for name in fields) or is_other_event(fields):
        return None
    if is_recognised(fields, GENERAL):
        return None
    return read_labelled(labelled(_nested(fields)))


def _nested(fields: FormFields) -> dict[str, Any]:
    """Return the fields with each field inside another one at its place."""
    nested: dict[str, Any] = {}
    for name, value in fields.items():
        group, _, inner = str(name).partition("__")
        within = nested.setdefault(group, {}) if group and inner else None
        if isinstance(within, dict):
            within[inner] = value
        else:
            nested[str(name)] = value
    return nested


BUILDER = FormBuilder(
    name="zapier",
    label="Zapier",
    read=read,
    setup=(
        "In Zapier, open the Zap that begins with your form and add a step.",
        "Choose “Webhooks by Zapier”, with the event POST.",
        "Enter {address} as the URL, and choose Json as the payload type.",
        "Under Data, add the lines email and first_name, each with the field of the form that it "
        "comes from.",
        "For each box of the form, add a line called tracking, news, articles or health_topics, "
        "depending on what it asks for.",
        "Test the step, then publish the Zap.",
    ),
    rank=GENERAL,
)
