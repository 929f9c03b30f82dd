"""n8n: fields as its owner has named them, or the whole item of its webhook, with a form as body.

https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.httprequest/
"""

from typing import Any

from nurture.builders import FormBuilder, FormFields
from nurture.builders.fields.envelopes import GENERAL, read_enveloped


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the form in an item of n8n's webhook; named fields are read by their names."""
    return read_enveloped(fields) if {"headers", "params", "body"} <= fields.keys() else None


BUILDER = FormBuilder(
    name="n8n",
    label="n8n",
    read=read,
    setup=(
        "In n8n, open the workflow that begins with your form and add an HTTP Request node.",
        "Choose the method POST, and enter {address} as the URL.",
        "Switch “Send Body” on, with the content type JSON.",
        "Under “Using Fields Below”, add email and first_name, each taken from the form’s own "
        "field.",
        "For each box of the form, add a field called tracking, news, articles or health_topics, "
        "depending on what it asks for.",
        "Execute the node to see that it arrives, then activate the workflow.",
    ),
    rank=GENERAL,
)
