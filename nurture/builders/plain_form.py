"""A plain HTML form, whatever its fields are called.

It is asked after the builders that recognise their forms by marks of their own.
"""

from collections.abc import Mapping
from typing import Any

from nurture.builders import FormBuilder, FormFields, registry
from nurture.builders.fields.labels import is_called_address, labelled, read_labelled
from nurture.builders.fields.recognition import is_other_event


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the fields of a flat form that has one called an address, or `None`."""
    if any(map(_is_nested, fields.values())) or is_other_event(fields) or _is_recognised(fields):
        return None
    flat = labelled(fields)
    return read_labelled(flat) if any(map(is_called_address, flat)) else None


def _is_recognised(fields: FormFields) -> bool:
    """Return whether a builder that knows its own forms can read this one."""
    others = (one for one in registry().values() if one.rank < BUILDER.rank)
    return any(one.read(fields) is not None for one in others)


def _is_nested(value: Any) -> bool:
    """Return whether a value contains fields; a group of boxes, as in `consent[news]`, does not.

    An address inside a group may be someone else's, such as the site's owner.
    """
    if isinstance(value, list):
        return any(isinstance(one, Mapping) for one in value)
    return isinstance(value, Mapping) and any(map(_is_group, value.values()))


def _is_group(value: Any) -> bool:
    return isinstance(value, Mapping | list) or (isinstance(value, str) and "@" in value)


BUILDER = FormBuilder(
    name="plain_form",
    label="A form in HTML",
    read=read,
    setup=(
        'In the form’s HTML, write method="post" and action="{address}".',
        "Name the field of the email address email, and that of the first name first_name.",
        "Name each box consent[], with the value tracking, news, articles or health_topics, "
        "depending on what it asks for. Leave the boxes unticked.",
        "Send the form once yourself.",
    ),
    rank=80,
)
