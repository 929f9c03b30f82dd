"""Elementor Pro: the webhook of its forms, with and without “Advanced Data”.

https://elementor.com/help/form-widget-pro/, https://github.com/elementor/elementor/issues/27399
"""

import re
from collections.abc import Mapping
from typing import Any

from nurture.builders import FormBuilder, FormFields
from nurture.builders.fields.labels import labelled, read_labelled

#: What the simple data always names, and the labels of what it adds about the visit.
_FORM = frozenset({"form_id", "form_name"})
_VISIT = frozenset({"Page URL", "Remote IP", "User Agent", "Powered by"})

_BRACKETED = re.compile(r"(fields|form|meta|form_fields)((?:\[[^\[\]]+\]){1,3})")
_BRACKETS = re.compile(r"\[([^\[\]]+)\]")


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the fields of an Elementor form, or `None`."""
    nested = _nested(fields)
    return read_labelled(labelled(nested)) if _is_ours(nested) else None


def _is_ours(fields: FormFields) -> bool:
    return (
        _is_advanced(fields) or isinstance(fields.get("form_fields"), Mapping) or _is_simple(fields)
    )


def _is_advanced(fields: FormFields) -> bool:
    """Return whether each field is described, beside a description of the form or the visit."""
    about = isinstance(fields.get("form"), Mapping) or isinstance(fields.get("meta"), Mapping)
    described = fields.get("fields")
    return (
        about
        and isinstance(described, Mapping)
        and any(isinstance(one, Mapping) and "value" in one for one in described.values())
    )


def _is_simple(fields: FormFields) -> bool:
    """Return whether the fields have their labels as names, beside what Elementor adds."""
    return (
        fields.keys() >= _FORM
        or len(_VISIT & fields.keys()) > 1
        or any(name.startswith("No Label ") for name in fields)
    )


def _nested(fields: FormFields) -> FormFields:
    """Return the fields with names such as `fields[email][value]` nested.

    A form is nested on its way in, but JSON that another program made of a form is not.
    """
    plain: dict[str, Any] = {}
    unfolded: dict[str, Any] = {}
    for name, value in fields.items():
        if found := _BRACKETED.fullmatch(name):
            _put(unfolded, [found[1], *_BRACKETS.findall(found[2])], value)
        else:
            plain[name] = value
    return {**plain, **unfolded}


def _put(fields: dict[str, Any], path: list[str], value: Any) -> None:
    *outer, last = path
    for name in outer:
        inner = fields.setdefault(name, {})
        fields = inner if isinstance(inner, dict) else {}
    fields[last] = value


BUILDER = FormBuilder(
    name="elementor",
    label="Elementor Pro",
    read=read,
    setup=(
        "In WordPress, open the page with the form in Elementor and click the form.",
        "Under “Actions After Submit”, add “Webhook”.",
        "Open the section “Webhook” that appears and enter {address} as the Webhook URL.",
        "Turn on “Advanced Data”, then update the page.",
        "To keep the address of the page as evidence, also add the action “Email” and leave "
        "“Page URL” and “Remote IP” in its meta data: Elementor only sends what is there.",
        "Send the form once yourself.",
    ),
    reads_native=True,
)
