"""WPForms: its Webhooks addon, which sends the keys that the owner enters, and whole entries.

https://wpforms.com/docs/how-to-install-and-use-the-webhooks-addon-with-wpforms/. The addon also
signs each call, but in its form format it signs other bytes than it sends, and no header says
which format it was; so the key in the address has to do.
"""

from collections.abc import Mapping
from typing import Any

from nurture.builders import FormBuilder, FormFields
from nurture.builders.fields.labels import labelled, read_labelled
from nurture.domain.subscribers.tick_boxes import read_ticks

#: The separator of the choices of a list of boxes, which are on a line each in the entry.
_BETWEEN_CHOICES = "||"

#: Longer than the wordings of all boxes together.
_LONGEST = 4000


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the fields of a WPForms entry, or `None`."""
    posted = fields.get("wpforms")
    if isinstance(posted, Mapping):
        return read_labelled(labelled({**fields, "wpforms": _split(posted)}))
    entry = fields.get("fields")
    if isinstance(entry, Mapping) and any(map(_is_described, entry.items())):
        return read_labelled(labelled({**fields, "fields": _split(entry)}))
    if any(map(_is_list_of_boxes, fields.values())):
        return read_labelled(labelled(_split(fields)))
    return None


def _is_list_of_boxes(value: Any) -> bool:
    """Return whether a text is a list of ticked boxes, and not what a visitor has typed."""
    parts = value[:_LONGEST].split(_BETWEEN_CHOICES) if isinstance(value, str) else []
    return len(parts) > 1 and any(read_ticks(part).purposes for part in parts)


def _is_described(field: tuple[str, Any]) -> bool:
    """Return whether a field has a number for a key, and its name and value inside."""
    key, value = field
    return key.isdecimal() and isinstance(value, Mapping) and value.keys() >= {"name", "value"}


def _split(fields: FormFields) -> dict[str, Any]:
    """Return the fields with several choices as lists."""
    return {name: _choices(value) for name, value in fields.items()}


def _choices(value: Any) -> Any:
    if isinstance(value, Mapping) and isinstance(value.get("value"), str):
        separator = "\n" if value.get("type") == "checkbox" else _BETWEEN_CHOICES
        return {**value, "value": _several(value["value"], separator)}
    return _several(value, _BETWEEN_CHOICES)


def _several(value: Any, separator: str) -> Any:
    return value.split(separator) if isinstance(value, str) and separator in value else value


BUILDER = FormBuilder(
    name="wpforms",
    label="WPForms",
    read=read,
    setup=(
        "In WordPress, go to WPForms, Addons, and install and activate the Webhooks addon.",
        "Open your form in the form builder, go to Settings, Webhooks, and turn on "
        "“Enable Webhooks”.",
        "Enter {address} as the Request URL. Choose POST as the Request Method and JSON as the "
        "Request Format.",
        "Under Request Body, enter the key email with the email field, and the key name with the "
        "name field. For each box, enter a key such as tracking or news with the field of that "
        "box.",
        "Save the form and send it once yourself.",
    ),
    reads_native=True,
)
