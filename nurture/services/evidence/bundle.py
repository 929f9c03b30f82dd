"""Evidence as one signed file: what is on record, to read and to process, and how to check it."""

import json
from dataclasses import dataclass
from datetime import datetime

from nurture.rendering.evidence_page import evidence_page, read_me
from nurture.sealing import Seal
from nurture.services.catalogue import Catalogue
from nurture.services.evidence.container import (
    MANIFEST,
    PAGE,
    PUBLIC_KEY,
    READ_ME,
    RECORD,
    SIGNATURE,
    fingerprint_of,
    manifest_of,
    pack,
)
from nurture.services.evidence.keys import signer_of
from nurture.services.evidence.record import gather
from nurture.store.database import Database
from nurture.tokens import Tokens

#: Where the public half of the key is published, behind the public address of our pages.
KEY_PATH = "/privacy/key"


@dataclass(frozen=True, slots=True)
class EvidenceSource:
    """What evidence is made from and signed with; `public_url` is where the key is published."""

    database: Database
    catalogue: Catalogue
    tokens: Tokens
    seal: Seal
    public_url: str


def make_bundle(source: EvidenceSource, address: str, now: datetime) -> bytes:
    """Return the signed evidence about the person with an address, as a zip file.

    Raise `NoEvidenceError` if nothing is kept about it, or `EvidenceKeyLostError`.
    """
    record = gather(source.database, source.catalogue, source.tokens, address, now)
    signer = signer_of(source.database, source.seal, now)
    key_page, key = f"{source.public_url}{KEY_PATH}", signer.public_key
    document = json.dumps(record, ensure_ascii=False, indent=2, sort_keys=True)
    files = {
        READ_ME: read_me(record, key_page, fingerprint_of(key)),
        PAGE: evidence_page(record),
        RECORD: f"{document}\n",
        PUBLIC_KEY: key,
    }
    written = {name: text.encode() for name, text in files.items()}
    manifest = manifest_of(written)
    return pack(written | {MANIFEST: manifest, SIGNATURE: signer.sign(manifest)})
