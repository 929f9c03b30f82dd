"""Everything that is sealed: second factors, the mail account, evidence and websites' keys."""

from nurture.sealing import Seal
from nurture.services.account.grant import seal_grant
from nurture.services.door.site_keys import seal_sites
from nurture.services.evidence.keys import seal_evidence_keys
from nurture.services.owner.security import seal_secrets
from nurture.store.database import Database


def seal_afresh(database: Database, seal: Seal) -> None:
    """Seal again, with the newest key, what an older one sealed; safe to repeat.

    What cannot be opened stays as it is, because its key may come back.
    """
    for sealed in (seal_secrets, seal_grant, seal_evidence_keys, seal_sites):
        sealed(database, seal)
