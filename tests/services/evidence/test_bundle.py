"""Signed evidence: complete, the same each time, and checked by anyone with ordinary tools."""

import json
import shutil
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from nurture.domain.subscribers.consent import Evidence, wording_hash
from nurture.services.evidence.record import NoEvidenceError
from nurture.services.subscribers import erasure, preferences
from nurture.store.tables.revisions import revisions
from tests.docs.fenced_blocks import ROOT, blocks
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.presence import at_least_one
from tests.services.evidence.bundles import ANN, bundle, with_history


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def record(home: Installation, address: str = ANN) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(unpacked(bundle(home, address))["evidence.json"])
    return found


def unsubscribe(home: Installation) -> None:
    person, now = home.person(ANN)["id"], home.clock.now
    seen = Evidence("https://emails.example.org/unsubscribe", "192.0.2.7", "A browser")
    preferences.unsubscribe(*home.context.stored, person, None, seen, now)


def test_every_message_names_its_revision_and_why_it_was_allowed(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    found = record(with_history(home))
    assert len(found["messages"]) == len(smtp_sink.mails) == 2
    digests = {row["digest"] for row in home.rows(revisions)}
    for mail, one in at_least_one(zip(smtp_sink.mails, found["messages"], strict=True)):
        assert one["revision_digest"] in digests
        assert one["subject"] == mail.message["Subject"]
        assert one["message_id_begins"] in mail.message["Message-ID"]
        assert one["became"] == "sent" and one["accepted_at"]
        assert one["allowed_because"][0].startswith("consent to “")
    [complaint] = found["complaints"]
    assert complaint["text"] == "Why do you write to me?"


def test_every_consent_has_its_words_and_their_hash_and_every_opt_out_its_time(
    home: Installation,
) -> None:
    unsubscribe(with_history(home))
    found = record(home)
    given = {(one["purpose"], one["granted"]) for one in found["consents"]}
    assert {("series", True), ("tracking", True), ("series", False)} <= given
    assert all(
        one["wording_sha256"] == wording_hash(one["wording"])
        for one in at_least_one(found["consents"])
    )
    assert "unsubscribed" in {one["kind"] for one in found["opt_outs"]}
    assert [one["reason"] for one in found["suppressions"]] == ["unsubscribed"]
    assert found["person"] == {
        "address": ANN,
        "erased": False,
        "known_since": home.person(ANN)["created_at"].isoformat(),
        "address_confirmed_at": home.person(ANN)["confirmed_at"].isoformat(),
    }


def test_the_proof_outlasts_an_erasure_without_saying_who_it_was(home: Installation) -> None:
    before = record(with_history(home))
    context, number = home.context, home.person(ANN)["id"]
    erasure.forget(context.database, context.files, number, home.clock.now)
    after = record(home)
    assert after["person"]["erased"]
    assert [one["wording_sha256"] for one in after["consents"]] == [
        one["wording_sha256"] for one in before["consents"]
    ]
    assert [one["allowed_because"] for one in after["messages"]] == [
        one["allowed_because"] for one in before["messages"]
    ]
    assert [one["reason"] for one in after["suppressions"]] == ["erased"]
    assert {one["client"] for one in after["consents"]} == {""}


def test_there_is_no_evidence_about_someone_unknown(home: Installation) -> None:
    with_history(home)
    with pytest.raises(NoEvidenceError):
        bundle(home, "nobody@example.org")


def test_the_same_state_at_the_same_time_gives_the_same_bytes(home: Installation) -> None:
    first = bundle(with_history(home))
    assert bundle(home) == first
    other = home.another()
    assert bundle(Installation(home.url, home.directory, home.clock, home.smtp_url)) == first
    other.database.close()


def test_the_page_says_the_same_and_escapes_what_people_wrote(home: Installation) -> None:
    with_history(home)
    home.subscribe("eve@example.org", first_name="<b>Eve</b>")
    page = unpacked(bundle(home))["evidence.html"].decode()
    assert f"What is on record about {ANN}" in page
    assert "Why do you write to me?" in page and "consent to “series” given" in page
    text = unpacked(bundle(home))["READ ME.txt"].decode()
    assert "https://emails.example.org/privacy/key" in text
    assert "\n\n\n" not in text


def commands() -> list[str]:
    """Return the commands that the page tells a reader to check evidence with."""
    shown = blocks((ROOT / "docs/complaints.md").read_text())
    lines = [line for block in shown for line in block.content.splitlines()]
    return [line for line in lines if line.startswith(("openssl ", "sha256sum "))]


def check(folder: Path) -> bool:
    """Run the documented commands, and return whether all of them succeed."""
    assert len(commands()) == 2
    done = [
        subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, timeout=60)
        for line in commands()
    ]
    return all(one.returncode == 0 for one in done)


@pytest.mark.skipif(
    not (shutil.which("openssl") and shutil.which("sha256sum")),
    reason="openssl and sha256sum are not installed here",
)
def test_ordinary_tools_check_it_with_the_documented_commands(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    files = unpacked(bundle(with_history(sqlite_home)))
    folder = tmp_path / "unpacked"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    assert check(folder)
    text = (folder / "READ ME.txt").read_text()
    assert all(line in text for line in at_least_one(commands()))
    for name, data in at_least_one(files.items()):
        (folder / name).write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
        assert not check(folder), name
        (folder / name).write_bytes(data)
    assert check(folder)
