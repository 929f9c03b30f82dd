"""`Contact Form 7`: the form as it is posted, or as a plugin such as “CF7 to Webhook” sends it on.

https://contactform7.com/tag-syntax/, https://wordpress.org/plugins/cf7-to-zapier/
"""

import re
from typing import Any

from nurture.builders import FormBuilder, FormFields
from nurture.builders.fields.labels import labelled, read_labelled

#: What the plugin calls the fields of its first form.
_FIRST_FORM = frozenset({"your-email", "your-name", "your-subject", "your-message"})

#: The names that its tag generator makes up: the kind of field and a number.
_GENERATED = re.compile(
    r"(?:text|email|url|tel|number|date|textarea|menu|checkbox|radio|acceptance|quiz)-\d{1,4}"
)


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the fields of a `Contact Form 7` form, or `None`."""
    if not any(map(_is_ours, fields)):
        return None
    return read_labelled(labelled({k: v for k, v in fields.items() if not _is_noise(k)}))


def _is_ours(name: str) -> bool:
    return name in _FIRST_FORM or name.startswith("_wpcf7") or bool(_GENERATED.fullmatch(name))


def _is_noise(name: str) -> bool:
    """Return whether a field says nothing of the visitor; a `url-1` is not the form's page."""
    return name.startswith(("_wpcf7", "url-"))


BUILDER = FormBuilder(
    name="contact_form_7",
    label="Contact Form 7",
    read=read,
    setup=(
        "In WordPress, go to Plugins, Add New, and install and activate “CF7 to Webhook”.",
        "Go to Contact, Contact Forms, and open your form.",
        "On the new tab “Webhook”, turn on sending to a webhook and enter {address} as the "
        "Webhook URL.",
        "To keep the address of the page as evidence, add [_url] under “Special Mail Tags”.",
        "Save the form and send it once yourself.",
    ),
    reads_native=True,
)
