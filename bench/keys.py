"""DKIM keys made for one run."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def make_keys(directory: Path) -> dict[str, Path]:
    """Return a private key of each kind, by name, in PEM files."""
    private: dict[str, ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey] = {
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
        "RSA-2048": rsa.generate_private_key(65537, 2048),
    }
    made = {}
    for name, key in private.items():
        made[name] = directory / f"{name}.pem"
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        made[name].write_bytes(pem)
    return made


def signing(keys: dict[str, Path], key: str) -> dict[str, str]:
    """Return the settings for signing email with one of the keys, or with none."""
    if not key:
        return {}
    return {"NURTURE_DKIM_SELECTOR": "bench", "NURTURE_DKIM_KEY_FILE": str(keys[key])}
