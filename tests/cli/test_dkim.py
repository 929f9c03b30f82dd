"""Making a DKIM key without any knowledge of openssl."""

import re
import stat
from pathlib import Path

from click.testing import CliRunner, Result

from nurture.cli import main
from nurture.mail.dkim import Signer
from tests.installation import Installation


def nurture(home: Installation, *words: str, **settings: str) -> Result:
    """Run a command; return its output."""
    return CliRunner().invoke(main, ["dkim", *words], env=home.environment | settings)


def test_a_new_key_is_created_and_its_use_explained(sqlite_home: Installation) -> None:
    said = nurture(sqlite_home, "new")
    assert said.exit_code == 0, said.output
    settings = dict(re.findall(r"(NURTURE_DKIM_\w+)=(\S+)", said.output))
    key = Path(settings["NURTURE_DKIM_KEY_FILE"])
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    domain = sqlite_home.context.practice.sender_domain
    signer = Signer.load(settings["NURTURE_DKIM_SELECTOR"], key.read_bytes(), domain)
    name, value = signer.dns_record()
    assert name in said.output and value in said.output
    pieces = re.findall(r'"([^"]{1,255})"', said.output)
    assert "".join(pieces) == value
    shown = nurture(sqlite_home, "show", **settings)
    assert value in shown.output


def test_an_existing_key_is_not_overwritten(sqlite_home: Installation, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("mine")
    said = nurture(sqlite_home, "new", "--file", str(key))
    assert said.exit_code == 2 and "already" in said.output
    assert key.read_text() == "mine"


def test_a_missing_key_names_the_command_that_creates_one(sqlite_home: Installation) -> None:
    said = nurture(sqlite_home, "show")
    assert said.exit_code == 2 and "nurture dkim new" in said.output
