"""Consent wordings are proof: an old record keeps the words and the hash it was given with."""

import hashlib
import html
import json
import shutil
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from nurture.cli import main
from nurture.domain.subscribers.consent import OWN_WORDINGS, Purpose
from nurture.library.folder import read_library
from nurture.services.owner import sessions
from nurture.services.publishing import files
from tests.installation import SHIPPED, Installation
from tests.presence import at_least_one
from tests.upgrades.conftest import Old
from tests.web.studio import PASSWORD, PAUL, app_of, send

PERSON = "tracked@example.org"
NEW_WORDING = "Tell us where to send the guide. You agree to get our articles too."

#: The hash of every wording that a box or a button of our own pages ever had. A changed wording is
#: a new wording: its hash is added here, and the hash of the one before stays.
EVER_SHOWN = {
    "68b89cdfce3653053427396a0f7a1cd01f19c6d436720d06f301cb66fca1b8d7",
    "20cee00c8979f22669942eecbff623729a9f99ea465c61dd88e0e47cee17eec4",
    "46dcb84288e084a0ea2273855621c6123f8f93d62e54af5f79aedbbb7a149807",
    "165a83838a9ad0c49254a4c47c4975dc55cb5911c7755ce838d4acfedcd36ee7",
    "1de4b039bfd1d4ee2300036292c74ab8c59a9e9aa47c9abaec426ddb11822878",
    "16bc32d2eef701c49a4c283182da3b60eeceb6cb6a416425e6e66aed653a8cb9",
}


def hash_of(wording: str) -> str:
    """Compute a wording's hash as anyone who has a record can: SHA-256 of its words."""
    return hashlib.sha256(" ".join(wording.split()).encode()).hexdigest()


def shown(home: Installation) -> list[dict[str, Any]]:
    """Return the person's consent records as the command prints them."""
    said = CliRunner().invoke(main, ["consent", PERSON, "--json"], env=home.environment)
    assert said.exit_code == 0, said.output
    return list(json.loads(said.stdout)["records"])


def proofs(records: list[dict[str, Any]]) -> list[tuple[str, bool, str, str]]:
    """Return what each record proves: the purpose, the answer, the wording and its hash."""
    return [(Purpose(r["purpose"]), r["granted"], r["wording"], r["wording_hash"]) for r in records]


def studio_page(home: Installation) -> str:
    """Return the person's page in the studio, as the owner reads it."""
    browser = app_of(home).test_client()
    link = sessions.make_link(home.context.database, PAUL, home.clock.now)
    assert send(browser, f"/studio/welcome/{link}", password=PASSWORD).status_code == 303
    page = browser.get(f"/studio/people/{home.person(PERSON)['id']}")
    assert page.status_code == 200
    return html.unescape(page.text)


def publish_another_wording(home: Installation, folder: Path) -> None:
    """Change the words beside the website's form, as Paul would in the file."""
    shutil.copytree(SHIPPED, folder)
    path = folder / "pain-guide" / "sequence.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    written = [f'wording = "{NEW_WORDING}"' if li.startswith("wording") else li for li in lines]
    path.write_text("\n".join(written), encoding="utf-8")
    files.publish(home.context.database, read_library(folder), home.clock.now, overwrite=True)


def test_an_upgrade_changes_no_wording_and_no_hash(old: Old) -> None:
    was = old.seen.document["export"][PERSON]["consents"]
    home = old.upgrade()
    assert len(was) >= 4
    assert proofs(shown(home)) == proofs(was)
    page = studio_page(home)
    for record in at_least_one(was):
        assert record["wording_hash"] == hash_of(record["wording"])
        assert record["wording"] in page


def test_a_changed_wording_is_a_new_one_and_old_records_keep_theirs(
    old: Old, tmp_path: Path
) -> None:
    home = old.upgrade()
    before = shown(home)
    publish_another_wording(home, tmp_path / "emails")
    assert home.fill_in_form(PERSON).status_code == 202
    after = shown(home)
    assert after[: len(before)] == before
    new = after[len(before) :]
    assert {record["wording"] for record in new} == {NEW_WORDING}
    assert {record["wording_hash"] for record in new} == {hash_of(NEW_WORDING)}
    assert hash_of(NEW_WORDING) not in {record["wording_hash"] for record in before}
    page = studio_page(home)
    assert NEW_WORDING in page
    assert before[0]["wording"] in page


def test_no_wording_of_our_own_pages_is_polished_in_passing() -> None:
    shown_now = {hash_of(wording): wording for wording in OWN_WORDINGS.values()}
    unknown = {wording for digest, wording in shown_now.items() if digest not in EVER_SHOWN}
    assert not unknown, "A changed wording is a new one: add its hash and leave the old one here."
    assert len(EVER_SHOWN) >= len(OWN_WORDINGS)
