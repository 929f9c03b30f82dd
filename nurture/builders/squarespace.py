"""Squarespace: no webhooks of its own; its forms come by way of Zapier, or from a script.

https://support.squarespace.com/hc/en-us/articles/206814368-Integrating-with-Zapier
"""

import re
from collections.abc import Iterator
from typing import Any

from nurture.builders import FormBuilder, FormFields
from nurture.builders.fields.labels import Labelled, read_labelled

#: What Squarespace adds to the names of the inputs of a form block.
_NUMBER = re.compile(r"-yui_3_[0-9_]+(-field)?$")

#: What the inputs for a name are called.
_NAMES = {"fname", "lname"}


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the fields of a form block as its page names them."""
    if not (fields.keys() >= _NAMES or any(_NUMBER.search(str(name)) for name in fields)):
        return None
    return read_labelled(list(_fields(fields)))


def _fields(fields: FormFields) -> Iterator[Labelled]:
    for name, value in fields.items():
        yield Labelled((_NUMBER.sub("", str(name)),), value)


BUILDER = FormBuilder(
    name="squarespace",
    label="Squarespace",
    read=read,
    setup=(
        "Squarespace cannot send a form to an address, so Zapier does it for you.",
        "In Squarespace, edit the form block, open Storage and connect Zapier.",
        "In Zapier, make a Zap whose trigger is Squarespace, “New Form Submission”, and choose "
        "the form that offers the guide.",
        "Add the action “Webhooks by Zapier”, event POST, and enter {address} as the URL.",
        "Choose Json as the payload type. Under Data, add the lines email and name, each with the "
        "field of the form that it comes from.",
        "For each box of the form, add a line called tracking, news, articles or health_topics, "
        "depending on what it asks for.",
        "Test the step, then publish the Zap.",
    ),
    reads_native=True,
)
