"""Fluent Forms: the Webhook integration of its Pro version.

https://fluentforms.com/docs/how-to-integrate-webhook-with-fluent-forms/
"""

import re
from collections.abc import Mapping
from typing import Any

from nurture.builders import FormBuilder, FormFields
from nurture.builders.fields.labels import labelled, read_labelled

#: Names that no other builder gives: hidden fields, and what its own fields are called.
_MARK = re.compile(
    r"__submission|__fluent_form\w*|_fluentform_\d+_fluentformnonce|gdpr-agreement"
    r"|terms-n-condition|input_(?:text|email|radio|checkbox|select)(?:_\d+)?"
)

_NAME_PARTS = frozenset({"first_name", "middle_name", "last_name"})


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the fields of a Fluent Forms form, or `None`."""
    if not (any(map(_MARK.fullmatch, fields)) or _has_names(fields)):
        return None
    return read_labelled(labelled(fields))


def _has_names(fields: FormFields) -> bool:
    names = fields.get("names")
    return isinstance(names, Mapping) and not _NAME_PARTS.isdisjoint(names)


BUILDER = FormBuilder(
    name="fluent_forms",
    label="Fluent Forms",
    read=read,
    setup=(
        "In WordPress, go to Fluent Forms, Integrations, and turn on “Webhooks”. This needs "
        "Fluent Forms Pro.",
        "Open your form, then Settings & Integrations, WebHook, and click “Add New”.",
        "Enter {address} as the Request URL. Choose POST as the Request Method and FORM or JSON as "
        "the Request Format.",
        "As the Request Body choose “All Fields”, then save the feed.",
        "Send the form once yourself.",
    ),
    reads_native=True,
)
