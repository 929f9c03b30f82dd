"""A new key is made by a command: completely or not at all, private to its owner, never shown."""

import json
import os
import random
import shutil
import stat
import subprocess
import sys
import time
from asyncio import Transport
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP
from click.testing import CliRunner, Result
from sqlalchemy import update

from nurture.cli import main
from nurture.domain.messages.status import MessageStatus
from nurture.files.env import as_line, read_env_file, rewritten
from nurture.files.secrets import KEPT, SecretsBusyError, change_secrets
from nurture.services.owner import security, sessions
from nurture.settings import Settings, load_settings
from nurture.store.tables.messages import messages
from nurture.store.tables.owners import all_owners
from nurture.tokens import Tokens
from tests.installation import Installation, link_in
from tests.installations import ScriptedSink
from tests.machines import backed_up, command, restored

_CHANGED = ("NURTURE_SECRET_KEY", "NURTURE_ADDRESS_KEY", "NURTURE_LEAKED_KEYS")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with the secrets made at the first start."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("NURTURE_")]:
        monkeypatch.delenv(name)
    load_settings({})
    return tmp_path / "var"


def rotate(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["secrets", "rotate", *words], env=environment)


def of_before(place: Path, key: str = "the only key of an older installation") -> Path:
    """Write the file as it was before addresses had a separate key."""
    file = place / "secrets.env"
    rest = [line for line in file.read_text().splitlines() if "SIGNUP" in line]
    file.write_text("\n".join(["# Ours since 2024", f"NURTURE_SECRET_KEY='{key}'", *rest]) + "\n")
    return file


def test_a_new_installation_has_a_separate_address_key(place: Path) -> None:
    keys = load_settings({}).keys
    assert keys.address not in keys.signing
    assert len(keys.address) >= 32


def test_an_older_installation_keeps_working_unchanged(place: Path) -> None:
    file = of_before(place)
    before = file.read_bytes()
    settings = load_settings({})
    assert settings.keys.address == "the only key of an older installation"
    assert Tokens.of(settings.keys).key_mark == Tokens([settings.secret_key]).key_mark
    assert file.read_bytes() == before


def test_no_address_key_is_generated_beside_a_configured_secret_key(tmp_path: Path) -> None:
    given = {"NURTURE_DATA_DIR": str(tmp_path / "var"), "NURTURE_SECRET_KEY": "of long ago " * 3}
    assert load_settings(given).keys.address == given["NURTURE_SECRET_KEY"].strip()
    assert "ADDRESS" not in (tmp_path / "var/secrets.env").read_text()


def test_no_signing_key_is_generated_beside_a_configured_address_key(tmp_path: Path) -> None:
    given = {"NURTURE_DATA_DIR": str(tmp_path / "var"), "NURTURE_ADDRESS_KEY": "x" * 40}
    result = CliRunner().invoke(main, ["status"], env=given)
    assert result.exit_code == 1 and "NURTURE_SECRET_KEY is not" in result.stderr
    assert not (tmp_path / "var").exists()
    # Nor is one that was made here taken for the one that belongs to it.
    own = load_settings({"NURTURE_DATA_DIR": given["NURTURE_DATA_DIR"]}).address_key
    assert CliRunner().invoke(main, ["status"], env=given).exit_code == 1
    assert load_settings(given | {"NURTURE_ADDRESS_KEY": own}).keys.address == own


def test_rotating_records_the_address_key_and_keeps_every_other_line(place: Path) -> None:
    file = of_before(place)
    before, first = file.read_text().splitlines(), Tokens.of(load_settings({}).keys)
    result = rotate()
    assert result.exit_code == 0, result.output
    after = file.read_text().splitlines()
    assert [line for line in before if not line.startswith("NURTURE_SECRET")] == [
        line for line in after if not line.startswith(_CHANGED)
    ]
    keys = load_settings({}).keys
    assert keys.signing[1:] == (keys.address,) == ("the only key of an older installation",)
    assert Tokens.of(keys).read_guide(first.guide(7)) == 7
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in place.iterdir()] == ["secrets.env"]


def test_no_key_is_shown_unless_requested(place: Path) -> None:
    for words in ((), ("--json",), ("--leaked",), ("--leaked", "--json"), ("--to", "lines")):
        said = rotate(*words)
        assert said.exit_code == 0, said.output
        keys = load_settings({}).keys
        written = Path("lines").read_text() if Path("lines").exists() else ""
        for key in (*keys.opening, keys.address, *written.replace("=", ",").split(",")[1:2]):
            assert key not in said.stdout + said.stderr
    assert stat.S_IMODE(Path("lines").stat().st_mode) == 0o600


def test_the_next_steps_are_listed_in_order(place: Path) -> None:
    said = json.loads(rotate("--leaked", "--json").stdout)
    assert said["changed"] is True and said["leaked"] is True
    assert (said["signing_keys"], said["leaked_keys"]) == (1, 1)
    assert [step.split()[0] for step in said["next"]] == ["If", "Restart", "Run"]
    assert "kill -HUP" in rotate().stdout


@pytest.mark.parametrize("from_file", [True, False])
def test_keys_configured_elsewhere_are_not_rotated(place: Path, from_file: bool) -> None:
    before = (place / "secrets.env").read_bytes()
    given = {"NURTURE_SECRET_KEY": "newer,and the older"}
    if from_file:
        Path(".env").write_text("NURTURE_SECRET_KEY='newer,and the older'\n")
    environment = {} if from_file else given
    # The key of the file beside it would be another one's.
    environment["NURTURE_ADDRESS_KEY"] = "and the older"
    refused = rotate("--leaked", **environment)
    assert refused.exit_code == 1
    assert (".env" if from_file else "the environment") in refused.stderr
    assert refused.stderr.count("\n") == 1
    shown = rotate("--leaked", "--show", **environment)
    assert shown.exit_code == 0
    Path("shown").write_text(shown.stdout)
    lines = read_env_file(Path("shown"))
    assert lines["NURTURE_ADDRESS_KEY"] == "and the older"
    assert lines["NURTURE_LEAKED_KEYS"] == "newer,and the older"
    assert len(lines["NURTURE_SECRET_KEY"]) >= 32 and "," not in lines["NURTURE_SECRET_KEY"]
    assert json.loads(rotate("--show", "--json", **environment).stdout)["lines"].keys() == {
        "NURTURE_SECRET_KEY",
        "NURTURE_ADDRESS_KEY",
    }
    assert (place / "secrets.env").read_bytes() == before


def test_the_key_lines_never_overwrite_an_existing_file(place: Path) -> None:
    Path(".env").write_text("NURTURE_PORT=8001\n")
    for words in (("--to", ".env"), ("--to", "x", "--show")):
        assert rotate(*words).exit_code == 2
    assert rotate("--to", "nowhere/x").exit_code == 1
    assert Path(".env").read_text() == "NURTURE_PORT=8001\n"


def test_a_mistyped_directory_gets_no_secrets(place: Path) -> None:
    result = rotate(NURTURE_DATA_DIR="elsewhere")
    assert result.exit_code == 1 and "There are no secrets" in result.stderr
    assert not Path("elsewhere").exists()


def test_a_symlinked_secrets_file_stays_a_symlink(place: Path) -> None:
    real = Path("kept.env").absolute()
    shutil.move(place / "secrets.env", real)
    (place / "secrets.env").symlink_to(real)
    assert rotate().exit_code == 0
    assert (place / "secrets.env").is_symlink()
    assert "," in read_env_file(real)["NURTURE_SECRET_KEY"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_keeps_the_owner_and_mode_of_the_secrets_file(place: Path) -> None:
    os.chown(place / "secrets.env", 4711, 4712)
    assert rotate().exit_code == 0
    found = (place / "secrets.env").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (4711, 4712, 0o600)


def test_the_keys_of_another_database_are_not_rotated(
    sqlite_home: Installation, place: Path
) -> None:
    home = sqlite_home
    home.subscribe("anna@example.org")
    own = {"NURTURE_DATABASE_URL": home.url}
    before = (place / "secrets.env").read_bytes()
    refused = rotate("--leaked", **own)
    assert refused.exit_code == 1 and "other keys" in refused.stderr
    assert (place / "secrets.env").read_bytes() == before


def test_keys_can_be_rotated_while_the_database_is_unavailable(place: Path) -> None:
    away = {"NURTURE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    said = json.loads(rotate("--leaked", "--json", **away).stdout)
    assert said["changed"] is True and said["second_factors_sealed"] == "later"
    assert any("nurture publish" in step for step in said["next"])


def test_a_settings_file_reads_back_as_written() -> None:
    values = {"NURTURE_A": "a key, and 'another' one \\ #", "NURTURE_B": "", "NURTURE_C": "x,y"}
    text = rewritten("# first\r\nexport NURTURE_A=old # note\n\nNURTURE_D=4", values)
    path = Path("settings.env")
    try:
        path.write_text(text)
        assert read_env_file(path) == values | {"NURTURE_D": "4"}
    finally:
        path.unlink()
    assert text.startswith("# first\r\n")
    assert as_line("NURTURE_C", "x,y") == "NURTURE_C=x,y\n"


# --- Killed, and at the same time ------------------------------------------------------------


def start(*words: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "nurture", "secrets", "rotate", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )


#: What the command does to the file, again and again until the process is killed.
_AGAIN_AND_AGAIN = """
from nurture.files.secrets import change_secrets, new_key
from nurture.services.keys.rotation import as_settings
from nurture.settings import load_settings
settings = load_settings()
while True:
    keys = settings.keys.rotated(new_key(), leaked=False)
    change_secrets(settings.secrets_file, lambda _: as_settings(keys))
"""


def whole(file: Path, first: Tokens, link: str) -> tuple[str, ...]:
    """Return the keys in a file, which must be in its old or its new state."""
    values = read_env_file(file)
    assert set(values) == set(KEPT) - {"NURTURE_LEAKED_KEYS"}
    keys = Settings(**{n.removeprefix("NURTURE_").lower(): v for n, v in values.items()}).keys
    assert Tokens.of(keys).read_guide(link) == 7
    assert Tokens.of(keys).key_mark == first.key_mark
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return keys.signing


def test_the_secrets_file_is_complete_whenever_the_command_is_killed(place: Path) -> None:
    file, first = place / "secrets.env", Tokens.of(load_settings({}).keys)
    link, seen = first.guide(7), set()
    for _ in range(4):
        command = [sys.executable, "-c", _AGAIN_AND_AGAIN]
        path = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        process = subprocess.Popen(command, env=path)
        before = file.stat().st_ino
        while file.stat().st_ino == before:
            time.sleep(0.001)
        for _ in range(100):
            seen.add(whole(file, first, link))
        time.sleep(random.random() / 50)
        process.kill()
        process.wait()
        whole(file, first, link)
    assert len(seen) > 4
    # Of a draft that was left nothing is used, and nothing is in the way.
    assert rotate().exit_code == 0
    assert [path.name for path in place.iterdir()] == ["secrets.env"]


@pytest.mark.slow
def test_each_of_several_simultaneous_rotations_adds_a_key_or_reports_failure(place: Path) -> None:
    file, first = place / "secrets.env", Tokens.of(load_settings({}).keys)
    codes = [process.wait(timeout=60) for process in [start() for _ in range(4)]]
    assert set(codes) <= {0, 1} and 0 in codes
    assert len(whole(file, first, first.guide(7))) == 1 + codes.count(0)


@pytest.mark.slow
def test_the_rotate_command_may_be_killed_at_any_moment(place: Path) -> None:
    file, first = place / "secrets.env", Tokens.of(load_settings({}).keys)
    for _ in range(5):
        process = start("--leaked")
        time.sleep(random.random() * 3)
        process.kill()
        process.wait()
        values = read_env_file(file)
        assert set(KEPT) - set(values) <= {"NURTURE_LEAKED_KEYS"}
    assert rotate().exit_code == 0
    now = Tokens.of(load_settings({}).keys)
    assert now.key_mark == first.key_mark
    assert now.read_unsubscribe(first.unsubscribe(1, 2)) == (1, 2)


def test_a_rotation_during_another_change_reports_the_conflict(place: Path) -> None:
    def meanwhile(values: object) -> dict[str, str]:
        refused = rotate()
        assert refused.exit_code == 1 and "by another process" in refused.stderr
        return {}

    change_secrets(place / "secrets.env", meanwhile)
    with pytest.raises(SecretsBusyError):
        change_secrets(place / "secrets.env", lambda _: _nested(place))


def _nested(place: Path) -> dict[str, str]:
    change_secrets(place / "secrets.env", lambda _: {})
    return {}


# --- What rests on the keys ------------------------------------------------------------------


def with_keys_in_file(home: Installation) -> Installation:
    """Return the same installation with its keys in the file instead of its environment."""
    file = home.directory / "var/secrets.env"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"NURTURE_SECRET_KEY={home.context.settings.secret_key}\n")
    return another(home, NURTURE_SECRET_KEY="")


def another(home: Installation, **settings: str) -> Installation:
    """Return the same installation with other settings, or as it would be after a restart."""
    environment = {**home.settings, **settings}
    return Installation(home.url, home.directory, home.clock, home.smtp_url, environment)


def sealed_with(home: Installation, keys: tuple[str, ...]) -> bool:
    """Return whether these keys decrypt the only owner's second factor."""
    from nurture.sealing import Seal, SealBrokenError

    with home.context.database.reading() as connection:
        [owner] = all_owners(connection)
    try:
        return bool(Seal(keys).open(owner.totp_pending or ""))
    except SealBrokenError:
        return False


def test_rotating_reseals_second_factors_but_never_with_a_leaked_key(
    sqlite_home: Installation,
) -> None:
    home = with_keys_in_file(sqlite_home)
    context, first = home.context, home.context.settings.keys
    assert context.settings.keys.signing == sqlite_home.context.settings.keys.signing
    sessions.make_link(context.database, "paul@example.org", home.clock.now)
    security.offer_codes(context.database, context.seal, 1)
    assert command(home, "secrets", "rotate").exit_code == 0
    # What runs still opens it, and so does what is started again.
    assert sealed_with(home, first.opening)
    assert security.get_account(context.database, home.another().seal, 1).pending_secret
    said = json.loads(command(home, "secrets", "rotate", "--leaked", "--json").stdout)
    assert said["second_factors_sealed"] == "afresh"
    assert not sealed_with(home, first.opening)
    assert sealed_with(home, home.another().settings.keys.signing)
    home.close()


def test_backups_from_before_and_after_a_rotation_restore_with_their_own_keys(
    sqlite_home: Installation, smtp_sink: ScriptedSink, tmp_path: Path
) -> None:
    home = with_keys_in_file(sqlite_home)
    (tmp_path / "backups").mkdir()
    home.subscribe("anna@example.org")
    home.deliver()
    first = home.context.settings.keys
    before, words = backed_up(home, tmp_path / "backups")
    assert command(home, "secrets", "rotate", "--leaked").exit_code == 0
    home.clock.advance(timedelta(hours=1))
    after = Path(
        json.loads(command(home, "backup", "--to", tmp_path / "backups", "--json").stdout)["file"]
    )
    second = home.another().settings.keys
    for file, keys in ((before, first), (after, second)):
        other, result = restored(home, file, words, directory=tmp_path / file.stem)
        assert result.exit_code == 0, result.output
        there = other.directory / "var/secrets.env"
        bare = {"NURTURE_DATA_DIR": str(there.parent)}
        assert load_settings(bare).keys == keys
        # The keys of after a rotation fit the database of before, and stand in their place.
        shutil.copy(home.directory / "var/secrets.env", there)
        own = dict.fromkeys(KEPT, "") | {"NURTURE_DATABASE_URL": "", **bare}
        assert CliRunner().invoke(main, ["status"], env=own).exit_code == 0
        other.close()
    assert "/guide/" in link_in(smtp_sink.mails[0], "guide")
    home.close()


def test_a_guide_offered_again_after_a_rotation_keeps_its_message_id(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    home = with_keys_in_file(sqlite_home)
    before = message_id_put_in_doubt(home, smtp_sink)
    assert command(home, "secrets", "rotate").exit_code == 0
    home.close()
    assert message_id_offered_again(another(home), smtp_sink) == before


@pytest.mark.parametrize("keys", ["the only key of before", "a newer key,the older key"])
def test_a_guide_offered_by_an_older_version_keeps_its_message_id(
    sqlite_home: Installation, smtp_sink: ScriptedSink, keys: str
) -> None:
    home = another(sqlite_home, NURTURE_SECRET_KEY=keys)
    message_id_put_in_doubt(home, smtp_sink)
    with home.context.database.writing() as connection:
        connection.execute(update(messages).values(marked=None))
    [number] = [row["id"] for row in home.rows(messages)]
    newest = Tokens([keys.partition(",")[0]])
    domain = home.context.practice.sender_domain
    again = message_id_offered_again(home, smtp_sink)
    assert again == f"<{newest.message_id(number)}@{domain}>"
    home.close()


def message_id_put_in_doubt(home: Installation, sink: ScriptedSink) -> str:
    """Offer a guide; the mail server accepts it and disconnects without answering."""
    found: list[str] = []

    def take_and_go(server: SMTP) -> str:
        assert server.envelope and isinstance(server.envelope.content, bytes)
        found.append(message_from_bytes(server.envelope.content)["Message-ID"])
        assert isinstance(server.transport, Transport)
        server.transport.abort()
        return "421 4.3.0 Gone"

    sink.script = take_and_go
    home.subscribe("ann@example.org")
    home.deliver()
    sink.script = None
    assert home.statuses("ann@example.org") == [("your-guide", MessageStatus.IN_DOUBT)]
    return found[0]


def message_id_offered_again(home: Installation, sink: ScriptedSink) -> str:
    home.clock.advance(timedelta(minutes=10))
    home.deliver()
    [mail] = sink.mails_to("ann@example.org")
    return str(mail.message["Message-ID"])
