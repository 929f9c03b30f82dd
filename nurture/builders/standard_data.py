"""A form nested in an event, as Standard Webhooks recommends: `type`, `timestamp` and `data`.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from typing import Any

from nurture.builders import FormBuilder, FormFields
from nurture.builders.fields.envelopes import is_recognised, read_enveloped

#: The builders that know an event of their own, and plain forms, are asked before.
_RANK = 85


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the form in an event that no other builder recognises."""
    return None if is_recognised(fields, _RANK) else read_enveloped(fields)


BUILDER = FormBuilder(
    name="standard_data",
    label="Another service with webhooks",
    read=read,
    setup=(
        "In the service’s settings, add a webhook for a submitted form, and enter {address}.",
        "If the service signs as Standard Webhooks says and takes a secret, enter {secret} there.",
        "Send a test, or fill in the form once, to see that it arrives.",
    ),
    rank=_RANK,
)
