"""Calls as Amazon makes and signs them, with a certificate of our own."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 3, 2, 8, 31, 5, tzinfo=UTC)
OURS = "arn:aws:sns:eu-west-2:123456789012:nurture"
PEM = "https://sns.eu-west-2.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
YES = "https://sns.eu-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37"

KEY = rsa.generate_private_key(65537, 2048)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])

CERTIFICATE = (
    x509.CertificateBuilder(NAME, NAME, KEY.public_key(), 7, NOW, NOW + timedelta(days=400))
    .sign(KEY, SHA256())
    .public_bytes(Encoding.PEM)
)


def signed_by_amazon(canonical: str) -> str:
    signature = KEY.sign(canonical.encode(), padding.PKCS1v15(), SHA256())
    return base64.b64encode(signature).decode()


def notification(message: str, topic: str = OURS, **more: Any) -> dict[str, Any]:
    """Return a message as Amazon makes and signs it for a topic's owner."""
    said = {"Message": message, "MessageId": "m-1", **more, "Timestamp": NOW.isoformat()}
    said |= {"TopicArn": topic, "Type": "Notification"}
    canonical = "".join(f"{name}\n{value}\n" for name, value in said.items())
    return said | {
        "SignatureVersion": "2",
        "Signature": signed_by_amazon(canonical),
        "SigningCertURL": PEM,
    }
