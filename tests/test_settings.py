"""Settings come from the environment, then `.env`, then the file made at the first start."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from nurture.settings import Settings, SettingsError, load_settings

SECRETS = ("NURTURE_SECRET_KEY", "NURTURE_SIGNUP_SECRET", "NURTURE_SIGNUP_TOKEN")
SIGNING = "whsec_" + "hush" * 8
GIVEN = dict.fromkeys(SECRETS, "from the environment") | {"NURTURE_SIGNUP_SECRET": SIGNING}


@pytest.fixture(autouse=True)
def an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_environment_overrides_the_file_and_the_file_overrides_generated_secrets(
    tmp_path: Path,
) -> None:
    made = load_settings({})
    Path(".env").write_text("NURTURE_SIGNUP_TOKEN=file\nNURTURE_BASE_URL=https://file.example\n")
    assert load_settings({}).secret_key == made.secret_key
    assert load_settings({}).signup_token == ("file",)
    both = load_settings({"NURTURE_SIGNUP_TOKEN": "environment"})
    assert both.signup_token == ("environment",)
    assert both.public_url == "https://file.example"


def test_an_empty_setting_counts_as_unset() -> None:
    assert load_settings(GIVEN | {"NURTURE_SWEEP_SECONDS": "", "NURTURE_PORT": ""}).port == 8000


def test_settings_of_other_programs_are_ignored() -> None:
    assert load_settings(GIVEN | {"PORT": "99", "NURTURE_UNHEARD_OF": "x"}).port == 8000


def test_the_first_start_generates_secrets_that_later_starts_reuse(tmp_path: Path) -> None:
    first, second = load_settings({}), load_settings({})
    assert first == second
    assert len(first.secret_key) >= 32
    assert first.signup_secret[0].startswith("whsec_")
    path = tmp_path / "var" / "secrets.env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secrets.env"]


def test_each_installation_has_its_own_secrets() -> None:
    one, other = (load_settings({"NURTURE_DATA_DIR": name}) for name in ("one", "other"))
    assert one.secret_key != other.secret_key
    assert one.signup_secret != other.signup_secret


def test_nothing_is_generated_if_every_secret_is_given(tmp_path: Path) -> None:
    load_settings(GIVEN)
    assert list(tmp_path.iterdir()) == []


START = "from nurture.settings import load_settings; print(load_settings({}).secret_key)"


def test_many_processes_started_together_agree_on_the_secrets(tmp_path: Path) -> None:
    starts = [
        subprocess.Popen([sys.executable, "-c", START], stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    said = {start.communicate(timeout=60)[0] for start in starts}
    assert [start.returncode for start in starts] == [0] * len(starts)
    assert len(said) == 1
    assert [file.name for file in (tmp_path / "var").iterdir()] == ["secrets.env"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NURTURE_PORT", "http"),
        ("NURTURE_PORT", "65536"),
        ("NURTURE_SWEEP_SECONDS", "0"),
        ("NURTURE_BATCH", "0"),
        ("NURTURE_SMTP_CONNECTIONS", "201"),
        ("NURTURE_TRUSTED_PROXIES", "-1"),
    ],
)
def test_an_error_names_the_setting_and_shows_no_other_value(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as raised:
        load_settings(GIVEN | {name: value})
    assert "from the environment" not in str(raised.value)


def test_an_impossible_data_directory_is_named() -> None:
    Path("file").touch()
    with pytest.raises(SettingsError, match="NURTURE_DATA_DIR"):
        load_settings({"NURTURE_DATA_DIR": "file/var"})


def test_no_secret_is_shown() -> None:
    settings = load_settings(
        {
            "NURTURE_SECRET_KEY": "hush-1",
            "NURTURE_SIGNUP_SECRET": SIGNING,
            "NURTURE_SIGNUP_TOKEN": "hush-3",
            "NURTURE_SMTP_URL": "smtp://user:hush-4@mail.example",
            "NURTURE_BREVO_SECRET": "hush-5",
        }
    )
    assert "hush" not in f"{settings!r}{settings}"
    assert settings.provider_secret("brevo") == "hush-5"


@pytest.mark.parametrize(
    ("name", "scheme"),
    [("NURTURE_DATABASE_URL", "postgresql"), ("NURTURE_REDIS_URL", "redis")],
)
def test_no_server_password_is_shown(name: str, scheme: str) -> None:
    assert "hush" not in repr(load_settings(GIVEN | {name: f"{scheme}://user:hush@db.example/1"}))


def test_several_secrets_are_separated_by_commas() -> None:
    settings = load_settings(
        GIVEN | {"NURTURE_SIGNUP_TOKEN": "new, old,", "NURTURE_SECRET_KEY": "a,b"}
    )
    assert settings.signup_token == ("new", "old")
    assert settings.secret_keys == ("a", "b")


def test_settings_cannot_be_changed_once_read() -> None:
    settings = Settings(secret_key="x")
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


def test_the_first_steps_name_the_settings_still_missing() -> None:
    steps = Settings(secret_key="x").first_steps()
    assert [step.split(":")[0].split()[0] for step in steps] == [
        "NURTURE_SMTP_URL",
        "NURTURE_BASE_URL",
        "NURTURE_DKIM_SELECTOR",
    ]
    ready = Settings(
        secret_key="x",
        smtp_url="smtp://m",
        base_url="https://m",
        dkim_selector="s",
        dkim_key_file=Path("key.pem"),
    )
    assert ready.first_steps() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NURTURE_DATABASE_URL", "mysql://host/name"),
        ("NURTURE_REDIS_URL", "localhost"),
        ("NURTURE_BASE_URL", "mail.example.org"),
        ("NURTURE_BASE_URL", "https://mail.example.org/?page=1"),
        ("NURTURE_SIGNUP_SECRET", "not-a-signing-secret"),
        ("NURTURE_SIGNUP_SECRET", "whsec_no base64"),
        ("NURTURE_DKIM_SELECTOR", "alone"),
        ("NURTURE_PORT", "many"),
        ("NURTURE_HOST", "localhost"),
        ("NURTURE_HOST", "[::1]"),
        ("NURTURE_SWEEP_SECONDS", "nan"),
    ],
)
def test_an_unusable_value_is_refused_by_name_without_quoting_it(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        load_settings(GIVEN | {name: value})
    assert "not-a-signing-secret" not in str(refused.value)


def test_a_probable_mistake_is_reported() -> None:
    said = load_settings(GIVEN | {"NURTURE_SWEEP_SECOND": "3", "NURTURE_SECRET_KEY": "short"})
    assert len(said.doubtful()) == 2
    assert any("NURTURE_SWEEP_SECOND " in sentence for sentence in said.doubtful())


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "http://192.0.2.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("::", "http://[::1]:8000"),
    ],
)
def test_the_host_may_be_an_ipv4_or_an_ipv6_address(host: str, address: str) -> None:
    assert load_settings(GIVEN | {"NURTURE_HOST": host}).reached_at == address


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("# Praxis Müller\nNURTURE_PORT=1\n".encode("latin-1"), 1, "not in UTF-8"),
        ("NURTURE_PORT=1\n# ü\n".encode("cp1252"), 2, "not in UTF-8"),
        ("NURTURE_PORT=1\n".encode("utf-16"), 1, "UTF-16"),
        ("NURTURE_PORT=1\n".encode("utf-16-le"), 1, "UTF-16"),
        (b'\nNURTURE_BASE_URL="https://a.example\nNURTURE_PORT=1\n', 2, "quotation mark"),
        (b"NURTURE_BASE_URL='https://a.example\r\n", 1, "quotation mark"),
        (b'NURTURE_SMTP_URL="a\nNURTURE_PORT=1\nNURTURE_CLOCK="\n', 1, "quotation mark"),
        (b"NURTURE_PORT=1\nNURTURE_BASE_URL: https://a.example\n", 2, "NAME=value"),
        (b"NURTURE_PORT = 1\n\n\nNURTURE_BASE_URL\n", 4, "NAME=value"),
        (b"nurture_base_url=https://a.example\n", 1, "Write NURTURE_BASE_URL"),
        (b"Nurture_Port=1\n", 1, "Write NURTURE_PORT"),
        ("a=1\n\ufeffNURTURE_PORT=1\n".encode(), 2, "Write NURTURE_PORT"),
        (b"NURTURE_PORT=1\nNURTURE_PORT=2\n", 2, "on line 1"),
    ],
)
def test_an_unreadable_line_of_the_file_is_named(content: bytes, line: int, said: str) -> None:
    Path(".env").write_bytes(content)
    with pytest.raises(SettingsError, match=said) as refused:
        load_settings(GIVEN)
    assert str(refused.value).startswith(f".env, line {line}: ")
    assert len(str(refused.value).splitlines()) == 1


def test_a_file_saved_by_windows_is_read() -> None:
    Path(".env").write_bytes(
        b"\xef\xbb\xbfNURTURE_BASE_URL=https://a.example\r\n\r\n# \xc3\xbc\r\n"
        b'export NURTURE_PORT="8001" # a note\r\nOTHER=x\r\n'
    )
    settings = load_settings(GIVEN)
    assert (settings.public_url, settings.port) == ("https://a.example", 8001)


@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_a_password_is_read_exactly_as_written(quote: str) -> None:
    url = "smtp://user:${HOME}$PATH#%20@mail.example:587"
    Path(".env").write_text(f"NURTURE_SMTP_URL={quote}{url}{quote}\n")
    assert load_settings(GIVEN).smtp_url == url


def test_an_unreadable_file_is_named() -> None:
    Path(".env").mkdir()
    with pytest.raises(SettingsError, match=r"^\.env cannot be read"):
        load_settings(GIVEN)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("NURTURE_BASE_ULR", "NURTURE_BASE_URL"),
        ("nurture_base_url", "NURTURE_BASE_URL"),
        ("NURTURE_CALENDY_SECRET", "NURTURE_CALENDLY_SECRET"),
        ("NURTURE_SIGNUP_TOKENS", "NURTURE_SIGNUP_TOKEN"),
    ],
)
def test_an_unknown_setting_is_reported_with_the_one_probably_meant(name: str, meant: str) -> None:
    settings = load_settings(GIVEN | {name: "whsec_" + "x" * 40})
    [said] = settings.doubtful({"calendly", "generic"})
    assert said == f"{name} is not a setting of this program. Did you mean {meant}?"
    known = load_settings(GIVEN | {"NURTURE_CALENDLY_SECRET": "x"})
    assert known.doubtful({"calendly"}) == []


@pytest.mark.parametrize(
    ("given", "public"),
    [
        ("https://prüfung.example", "https://xn--prfung-4ya.example"),
        ("https://prüfung.example/ü/", "https://xn--prfung-4ya.example/%C3%BC"),
        ("https://mail.example.org:8443/a", "https://mail.example.org:8443/a"),
    ],
)
def test_the_public_address_is_converted_to_ascii(given: str, public: str) -> None:
    assert load_settings(GIVEN | {"NURTURE_BASE_URL": given}).public_url == public


def test_a_backup_place_is_a_folder_or_a_bucket() -> None:
    for url in ("backups", "file:///mnt/backups", "s3://there/a?endpoint=https://host.example"):
        assert load_settings(GIVEN | {"NURTURE_BACKUP_URL": url}).backup_url
    for url in ("ftp://there", "s3://", "s3://key:secret@there"):
        with pytest.raises(SettingsError, match="NURTURE_BACKUP_URL: write") as refused:
            load_settings(GIVEN | {"NURTURE_BACKUP_URL": url})
        assert "secret@" not in str(refused.value)
