"""The keys that sign evidence: made once, sealed, of their own, and sealed again by a rotation."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from nurture.bootstrap import bring_up_to_date
from nurture.sealing import Seal
from nurture.services.evidence.container import keys_in
from nurture.services.evidence.keys import (
    EvidenceKeyLostError,
    keep_a_key,
    public_keys,
    renew_key,
    seal_evidence_keys,
    signer_of,
)
from nurture.services.evidence.verification import verify
from nurture.services.keys.rotation import rotate
from nurture.settings import load_settings
from nurture.store.database import Database
from nurture.store.tables.evidence_keys import evidence_keys
from tests.installation import Installation
from tests.services.evidence.bundles import bundle, with_history

OLD, NEW = Seal(["the old secret"]), Seal(["the new secret", "the old secret"])


def test_a_start_makes_one_key_and_keeps_it(home: Installation) -> None:
    bring_up_to_date(home.context)
    published = public_keys(home.context.database)
    assert len(keys_in(published)) == 1
    bring_up_to_date(home.context)
    assert public_keys(home.context.database) == published


def test_the_database_alone_lets_nobody_sign(home: Installation) -> None:
    database, now = home.context.database, home.clock.now
    raw = signer_of(database, OLD, now).private_key.private_bytes_raw()
    [row] = home.rows(evidence_keys)
    assert row["private_key"].startswith("gAAAA")
    assert raw.hex() not in repr(row) and repr(raw) not in repr(row)
    with pytest.raises(EvidenceKeyLostError, match="new-key"):
        signer_of(database, Seal(["another secret"]), now)


def test_two_installations_with_the_same_secrets_have_different_keys(home: Installation) -> None:
    database, now = home.context.database, home.clock.now
    keep_a_key(database, OLD, now)
    renew_key(database, OLD, now)
    first, second = keys_in(public_keys(database))
    assert first.public_bytes_raw() != second.public_bytes_raw()


def test_a_key_is_sealed_again_with_a_newer_secret_and_stays_the_same(home: Installation) -> None:
    database, now = home.context.database, home.clock.now
    before = signer_of(database, OLD, now)
    assert seal_evidence_keys(database, NEW) == 1
    assert seal_evidence_keys(database, NEW) == 0
    after = signer_of(database, Seal(["the new secret"]), now)
    assert after.public_key == before.public_key
    assert after.sign(b"data") == before.sign(b"data")
    assert seal_evidence_keys(database, Seal(["another secret"])) == 0


def test_a_leaked_secret_opens_no_key_any_more(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"NURTURE_DATA_DIR": str(tmp_path / "var"), "NURTURE_DATABASE_URL": sqlite_url}
    leaked, database = load_settings(given), Database(sqlite_url)
    seal, now = Seal(leaked.keys.opening), datetime(2026, 12, 1, tzinfo=UTC)
    signer = signer_of(database, seal, now)
    rotate(leaked, leaked=True)
    with pytest.raises(EvidenceKeyLostError):
        signer_of(database, seal, now)
    again = signer_of(database, Seal(load_settings(given).keys.opening), now)
    assert again.public_key == signer.public_key
    database.close()


def test_evidence_signed_before_a_new_key_can_still_be_checked(home: Installation) -> None:
    before = bundle(with_history(home))
    context = home.context
    renew_key(context.database, context.seal, home.clock.now)
    after, published = bundle(home), public_keys(context.database)
    assert before != after
    assert verify(before, published).is_trusted and verify(after, published).is_trusted
    assert verify(after).fingerprint != verify(before).fingerprint
