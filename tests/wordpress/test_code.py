"""The plugin's code: it is valid, it signs as the program verifies, and it keeps to a standard."""

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nurture.signatures import new_secret, sign_standard_webhook
from tests.architecture.codebase import ROOT
from tests.presence import at_least_one
from tests.wordpress.site import run_php

pytestmark = pytest.mark.wordpress

PLUGIN = ROOT / "webhooks/wordpress"


@pytest.mark.parametrize(
    "file", sorted(PLUGIN.rglob("*.php")), ids=lambda file: str(file.relative_to(PLUGIN))
)
def test_every_file_is_valid_php(file: Path) -> None:
    linted = subprocess.run(["php", "-l", str(file)], capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout


def test_php_signs_as_the_program_verifies() -> None:
    secret, now = new_secret(), datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    body = '{"email":"zoë@example.org"}'
    at = int(now.timestamp())
    sender = PLUGIN / "includes/sender.php"
    said = run_php(
        "define( 'ABSPATH', '/' ); define( 'DAY_IN_SECONDS', 86400 );"
        f"define( 'MINUTE_IN_SECONDS', 60 ); require '{sender}';"
        f"echo json_encode( nurture_signature( '{secret}', 'an-id', {at}, getenv( 'BODY' ) ) );",
        BODY=body,
    )
    assert json.loads(said) == sign_standard_webhook(secret, "an-id", now, body.encode())


def test_the_code_keeps_to_the_rules_that_can_be_checked_here() -> None:
    phpcs = shutil.which("phpcs")
    assert phpcs is not None
    rules = ["Generic.PHP.DisallowShortOpenTag", "Generic.PHP.NoSilencedErrors"]
    rules += ["Generic.WhiteSpace.DisallowSpaceIndent", "Generic.PHP.ForbiddenFunctions"]
    rules += ["Generic.Files.LineEndings", "Generic.PHP.LowerCaseConstant", "Squiz.PHP.Eval"]
    rules += ["Squiz.WhiteSpace.SuperfluousWhitespace"]
    checked = subprocess.run(
        [phpcs, "--standard=Generic,Squiz", f"--sniffs={','.join(rules)}", str(PLUGIN)]
        + ["--extensions=php", "-n"],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout


def test_every_sentence_can_be_translated_and_is_escaped() -> None:
    for file in at_least_one(sorted(PLUGIN.rglob("*.php"))):
        code = file.read_text()
        assert " _e(" not in code and "<?=" not in code, file
