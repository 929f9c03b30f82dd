"""Ninja Forms: its Webhooks add-on, which sends the keys that the owner enters, and submissions.

https://ninjaforms.com/docs/webhooks/
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from nurture.builders import FormBuilder, FormFields
from nurture.builders.fields.labels import labelled, read_labelled

#: The key that a field has unless the owner changes it, such as `email_1516193541857`.
_GENERATED_KEY = re.compile(r"[a-z][a-z0-9_]*_\d{12,14}|nf-field-\d+")

#: What describes a form beside its fields.
_ABOUT = frozenset({"settings", "form_id", "form_title", "id"})


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the fields of a Ninja Forms form, or `None`."""
    if (encoded := _in_one_argument(fields)) is not None:
        return read_labelled(labelled(encoded))
    if any(map(_GENERATED_KEY.fullmatch, fields)) or _is_submission(fields):
        return read_labelled(labelled(fields))
    return None


def _in_one_argument(fields: FormFields) -> FormFields | None:
    """Return the fields that were put into a single argument as JSON, or `None`."""
    [text, *others] = [*fields.values(), None, None][:2]
    if others != [None] or not isinstance(text, str) or not text.startswith("{"):
        return None
    try:
        encoded = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return encoded if isinstance(encoded, dict) else None


def _is_submission(fields: FormFields) -> bool:
    entry = fields.get("fields")
    return (
        isinstance(entry, Mapping)
        and not _ABOUT.isdisjoint(fields)
        and any(
            isinstance(one, Mapping) and one.keys() >= {"key", "value"} for one in entry.values()
        )
    )


BUILDER = FormBuilder(
    name="ninja_forms",
    label="Ninja Forms",
    read=read,
    setup=(
        "In WordPress, install and activate the Webhooks add-on of Ninja Forms.",
        "Open your form, go to the tab “Emails & Actions”, and add the action “WebHooks”.",
        "Enter {address} as the Remote Url and choose Post as the Remote Method.",
        "Under Args, add the key email with the email field, and the key first_name with the "
        "first name field. For each box, add a key such as tracking or news with the field of "
        "that box.",
        "Click “Done”, then “Publish”, and send the form once yourself.",
    ),
    reads_native=True,
)
