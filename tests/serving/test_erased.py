"""Erased means erased: nothing remains in any file of any machine, while everything runs."""

import os
import quopri
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from nurture.bootstrap import build
from nurture.mail.outbox.folder import write_index
from nurture.services.subscribers import erasure
from nurture.settings import load_settings
from nurture.store.tables.subscribers import find_by_address
from tests.files.rights import open_paths
from tests.installation import Installation
from tests.leftovers import files_telling_of, tells
from tests.presence import at_least_one
from tests.servers.clock import ClockFile
from tests.serving.running import Running, environment, running, wait_until

NAME, NETWORK = "Zebulonia", "198.51.100.77"
PEOPLE = [f"erased.person.{n}@unmistakable.example.org" for n in range(5)]
STAYS = "stays@example.org"


def sign_up(program: Running, address: str, name: str = NAME, client: str = NETWORK) -> None:
    assert program.sign_up(address, first_name=name, client_ip=client) == 202


def mails_in(directory: Path) -> list[Path]:
    return sorted((directory / "outbox").glob("*.eml"))


def forget_by_command(directory: Path, address: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "nurture", "forget", address, "--yes"],
        env=environment(directory),
        check=True,
        stdout=subprocess.DEVNULL,
    )


def forget_as_the_studio_does(directory: Path, addresses: list[str]) -> None:
    """Erase in a separate process, whose cached database pages are not the command's."""
    context = build(load_settings(environment(directory)))
    for address in at_least_one(addresses):
        with context.database.reading() as connection:
            person = find_by_address(connection, address)
        assert person
        assert erasure.forget(context.database, context.files, person.id, context.clock())
    context.database.close()


@pytest.fixture
def careless(tmp_path: Path) -> Iterator[Path]:
    """A data directory created carelessly beforehand, open to everyone, with a common umask."""
    directory = tmp_path / "var"
    directory.mkdir()
    directory.chmod(0o777)
    before = os.umask(0o022)
    yield directory
    os.umask(before)


def test_an_erased_person_is_in_no_file_and_all_files_are_private(
    careless: Path,
) -> None:
    with running(careless, None) as program:
        assert "was open to other users" in program.said
        for address in PEOPLE:
            sign_up(program, address)
        sign_up(program, STAYS, "Stella", "203.0.113.5")
        assert wait_until(lambda: len(mails_in(careless)) == len(PEOPLE) + 1)
        write_index(careless / "outbox")
        assert len(files_telling_of(careless, *PEOPLE, NETWORK)) > 3 * len(PEOPLE)
        forget_by_command(careless, PEOPLE[0])
        forget_as_the_studio_does(careless, PEOPLE[1:])
        assert files_telling_of(careless, *PEOPLE, "unmistakable", NAME, NETWORK) == []
        assert len(mails_in(careless)) == 1
        assert files_telling_of(careless, STAYS) != []
        assert open_paths(careless) == []


def test_another_machine_removes_the_erased_persons_files_by_itself(
    tmp_path: Path, postgresql_url: str, clock_file: ClockFile, redis_url: str
) -> None:
    home = Installation(postgresql_url, tmp_path / "here", clock_file).publish_shipped()
    home.subscribe(PEOPLE[0], first_name=NAME)
    home.deliver()
    here, there = home.context.settings.data_dir, tmp_path / "there"
    shutil.copytree(here / "outbox", there / "outbox")
    (there / "outbox/.message-00000001.eml.77.1").write_text(f"To: {PEOPLE[0]}, half written")
    (there / "outbox/refused-addresses.txt").write_text(f"{STAYS}\n{PEOPLE[0].upper()}\n")
    write_index(there / "outbox")
    environ = environment(there, **home.environment | {"NURTURE_DATA_DIR": str(there)})
    worker = subprocess.Popen(
        [sys.executable, "-m", "nurture", "worker"], env=environ | {"NURTURE_REDIS_URL": redis_url}
    )
    try:
        context = home.context
        assert erasure.forget(context.database, context.files, 1, clock_file.now)
        assert files_telling_of(here, PEOPLE[0], NAME) == []
        assert wait_until(lambda: not files_telling_of(there, PEOPLE[0], NAME))
    finally:
        worker.terminate()
        worker.wait(25)
        home.close()
    assert (there / "outbox/refused-addresses.txt").read_text() == f"{STAYS}\n"


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.upper().encode(),
        lambda text: quote(text, safe="").lower().encode(),
        lambda text: text.replace("@", "%40").encode(),
        lambda text: quopri.encodestring(text.encode()),
        lambda text: text.replace("@", "=40").encode(),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: b64encode(b"To: " + text.encode() + b"\r\n"),
        lambda text: b64encode(b"To: <" + text.encode() + b">"),
        lambda text: b64encode(b"To: a " + text.encode("utf-16-le")),
    ],
)
def test_the_search_finds_an_address_in_every_encoding(written: object) -> None:
    assert callable(written)
    assert tells(b"before" + written(PEOPLE[0]) + b"after", PEOPLE[0])
    assert not tells(b"before" + written(PEOPLE[1]) + b"after", PEOPLE[0])
