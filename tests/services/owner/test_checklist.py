"""The first-start checklist: every prerequisite is checked, including external ones."""

import shutil
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from werkzeug.serving import make_server

from nurture.services.owner import checklist
from nurture.services.owner.checklist import ChecklistSubject, Task
from tests.installation import SHIPPED, Installation, shipped_library
from tests.installations import ScriptedSink
from tests.servers.names import RECORDS, name_server


def premises(home: Installation, **settings: str) -> ChecklistSubject:
    library = shipped_library()
    found = {source.sequence.key: source.sequence for source in library.sequences}
    return ChecklistSubject(home.another(**settings).settings, library.practice, found, SHIPPED)


def fine(premises: ChecklistSubject) -> dict[Task, bool | None]:
    return {task: found.fine for task, found in checklist.at_a_glance(premises).items()}


def test_the_shipped_library_still_needs_its_guides(sqlite_home: Installation) -> None:
    assert fine(premises(sqlite_home)) == {
        Task.SENDER: True,
        Task.ADDRESS: True,
        Task.GUIDES: False,
        Task.BASE_URL: None,
        Task.MAIL_SERVER: None,
        Task.DNS: None,
    }


def test_the_checklist_shows_everything_that_is_missing(sqlite_home: Installation) -> None:
    bare = premises(sqlite_home, NURTURE_SMTP_URL="", NURTURE_BASE_URL="http://pages.example.org")
    bare = replace(bare, practice=replace(bare.practice, address=(), sender_address=""))
    seen = fine(bare)
    missing = (Task.SENDER, Task.ADDRESS, Task.GUIDES, Task.BASE_URL, Task.MAIL_SERVER)
    assert [seen[task] for task in missing] == [False] * 5


def test_the_owners_own_guide_is_recognised(sqlite_home: Installation, tmp_path: Path) -> None:
    library = tmp_path / "emails"
    shutil.copytree(SHIPPED, library)
    for key in ("pain-guide", "over-50-guide"):
        (library / key / "guide.pdf").write_bytes(b"%PDF-1.7 my own guide")
    assert checklist.check(replace(premises(sqlite_home), library=library), Task.GUIDES).fine
    (library / "pain-guide/guide.pdf").unlink()
    assert not checklist.check(replace(premises(sqlite_home), library=library), Task.GUIDES).fine


def test_the_checklist_connects_to_the_mail_server_without_sending_anything(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    found = checklist.check(premises(sqlite_home), Task.MAIL_SERVER)
    assert found.fine, found
    assert smtp_sink.mails == []


def test_an_unavailable_mail_server_is_described(sqlite_home: Installation) -> None:
    away = premises(sqlite_home, NURTURE_SMTP_URL="smtp://127.0.0.1:9")
    found = checklist.check(away, Task.MAIL_SERVER)
    assert found.fine is False
    assert "cannot be reached" in found.sentences[0]


@pytest.mark.parametrize(("status", "expected"), [(200, True), (503, False)])
def test_the_checklist_requests_the_public_address(
    sqlite_home: Installation, status: int, expected: bool
) -> None:
    from flask import Flask

    app = Flask("pages")
    app.add_url_rule("/healthz", "healthz", lambda: ("ok", status))
    server = make_server("127.0.0.1", 0, app)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        here = premises(sqlite_home, NURTURE_BASE_URL=f"http://127.0.0.1:{server.port}")
        assert checklist.reach(here.settings.public_url).fine is expected
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def test_an_unreachable_public_address_is_described() -> None:
    found = checklist.reach("http://127.0.0.1:9")
    assert found.fine is False
    assert "cannot be reached" in found.sentences[0]


@pytest.mark.parametrize("missing", [None, *RECORDS])
def test_the_checklist_looks_up_each_dns_record_of_the_domain(
    sqlite_home: Installation, tmp_path: Path, missing: str | None
) -> None:
    signing = {"NURTURE_DKIM_SELECTOR": "nurture", "NURTURE_DKIM_KEY_FILE": str(tmp_path / "key")}
    there = {name: text for name, text in RECORDS.items() if name != missing}
    with name_server(there):
        found = checklist.check(premises(sqlite_home, **signing), Task.DNS)
    assert found.fine is (missing is None)
    assert [s for s in found.sentences if "no record" in s] == [
        s for s in found.sentences if missing and f": {missing} has" in s
    ]


def test_the_mail_server_must_sign_if_no_dkim_key_is_set(sqlite_home: Installation) -> None:
    with name_server(RECORDS):
        found = checklist.check(premises(sqlite_home), Task.DNS)
    assert found.fine
    assert "your mail server has to sign" in found.sentences[-1]
