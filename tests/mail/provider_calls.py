"""Mail providers' captured calls, and how each provider signs one."""

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from nurture.signatures import hex_hmac, new_secret, sign_standard_webhook

NOW = datetime(2026, 3, 2, 8, 31, 5, tzinfo=UTC)
PAYLOADS = Path(__file__).parent / "payloads"
TOPIC = "arn:aws:sns:eu-west-2:123456789012:nurture"

Call = tuple[dict[str, str], bytes]


@dataclass(frozen=True)
class Scheme:
    """How a provider would sign a body."""

    secret: str
    wrong_secret: str
    sign: Callable[[bytes, datetime], Call]


def generic_scheme() -> Scheme:
    secret = new_secret()
    return Scheme(
        secret,
        new_secret(),
        lambda body, now: (sign_standard_webhook(secret, "msg-1", now, body), body),
    )


def postmark_scheme() -> Scheme:
    credentials = "Basic " + base64.b64encode(b"nurture:pass word").decode()
    return Scheme(
        "nurture:pass word",
        "nurture:other",
        lambda body, now: ({"Authorization": credentials}, body),
    )


def brevo_scheme() -> Scheme:
    return Scheme(
        "a-long-token",
        "another-token",
        lambda body, now: ({"Authorization": "Bearer a-long-token"}, body),
    )


def mailgun_scheme() -> Scheme:
    def sign(body: bytes, now: datetime) -> Call:
        timestamp, token = str(int(now.timestamp())), f"token-of-{now}-{zlib.crc32(body)}"
        signature = hex_hmac(b"signing-key", f"{timestamp}{token}".encode())
        block = {"timestamp": timestamp, "token": token, "signature": signature}
        return {}, json.dumps(json.loads(body) | {"signature": block}).encode()

    return Scheme("signing-key", "other-key", sign)


def sendgrid_scheme() -> Scheme:
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def public(private: ec.EllipticCurvePrivateKey) -> str:
        form = PublicFormat.SubjectPublicKeyInfo
        return base64.b64encode(private.public_key().public_bytes(Encoding.DER, form)).decode()

    def sign(body: bytes, now: datetime) -> Call:
        timestamp = str(int(now.timestamp()))
        signature = key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }, body

    return Scheme(public(key), public(other), sign)


def ses_scheme(folder: Path) -> Scheme:
    key = rsa.generate_private_key(65537, 2048)
    certificate = folder / "sns.pem"
    certificate.write_bytes(self_signed(key))

    def sign(body: bytes, now: datetime) -> Call:
        message = json.loads(body) | {"Timestamp": now.isoformat(timespec="milliseconds")}
        names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token"]
        signed = "".join(
            f"{name}\n{message[name]}\n" for name in [*names, "TopicArn", "Type"] if name in message
        )
        signature = key.sign(signed.encode(), padding.PKCS1v15(), SHA256())
        message["Signature"] = base64.b64encode(signature).decode()
        return {}, json.dumps(message).encode()

    return Scheme(f"{TOPIC} {certificate}", f"{TOPIC}-of-another {certificate}", sign)


def self_signed(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 7, NOW, NOW + timedelta(days=400))
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
    )


def resend_scheme() -> Scheme:
    secret = new_secret()

    def sign(body: bytes, now: datetime) -> Call:
        signed = sign_standard_webhook(secret, "msg-1", now, body)
        return {name.replace("webhook-", "svix-"): value for name, value in signed.items()}, body

    return Scheme(secret, new_secret(), sign)


@cache
def payloads(name: str) -> dict[str, bytes]:
    """Return the calls captured from a provider, by the name of their file."""
    return {path.stem: path.read_bytes() for path in sorted((PAYLOADS / name).glob("*.json"))}


def every_scheme(folder: Path) -> Mapping[str, Scheme]:
    return {
        "generic": generic_scheme(),
        "postmark": postmark_scheme(),
        "brevo": brevo_scheme(),
        "mailgun": mailgun_scheme(),
        "sendgrid": sendgrid_scheme(),
        "resend": resend_scheme(),
        "ses": ses_scheme(folder),
    }
