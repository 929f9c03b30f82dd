"""Framer: the inputs by their names, and nothing else; the body and the submission's id are signed.

https://www.framer.com/help/articles/framer-form-webhook-setup
"""

from collections.abc import Mapping
from datetime import datetime

from nurture import signatures
from nurture.builders import FormBuilder, FormFields, FormProof

_HEADER, _ID = "Framer-Signature", "Framer-Webhook-Submission-Id"
_SECRET_HELP = "Enter the secret where the form’s webhook was added, under Send To."


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check the HMAC-SHA256 over the body and the id, or raise SignatureError; no time is
    signed.
    """
    key = signatures.require_secret(secret, _SECRET_HELP)
    number = signatures.required_header(headers, _ID)
    offered = signatures.required_header(headers, _HEADER).lower()
    signed = body + signatures.as_bytes(number)
    signatures.require_any([offered], [f"sha256={signatures.hex_hmac(key, signed)}"])


def read(fields: FormFields) -> None:
    """Recognise nothing: these forms have no marks, and are read by what fields are called."""


BUILDER = FormBuilder(
    name="framer",
    label="Framer",
    read=read,
    setup=(
        "In Framer, select the form on the canvas.",
        "In the sidebar on the right, choose Add beside Send To, then Webhook.",
        "Enter {address} as the URL.",
        "Enter {secret} as the secret; Framer does not show it again.",
        "Name the input for the address Email, the one for the name Name, and each box tracking, "
        "news, articles or health_topics, depending on what it asks for. Publish the site.",
    ),
    proof=FormProof(_HEADER, verify, _SECRET_HELP),
)
