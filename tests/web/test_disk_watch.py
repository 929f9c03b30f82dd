"""A disk that fills up: functions stop in turn, the owner is told, people can unsubscribe."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from nurture.domain.disk_space import DiskSpace, DiskUse
from nurture.files.disk import Disk, look
from tests.installation import Installation, link_in
from tests.servers.smtp import SmtpSink
from tests.web.studio import send

GB = 1_000_000_000


@dataclass
class Filling:
    """A disk of 20 GB with `free` bytes left; `looks` counts the checks."""

    free: int = 5 * GB
    looks: int = 0

    def __call__(self, path: Path) -> DiskSpace:
        self.looks += 1
        return DiskSpace(self.free, 20 * GB)


@pytest.fixture
def disk(sqlite_home: Installation) -> Filling:
    """The installation's disk, to be filled before anything else is done."""
    filling = Filling()
    sqlite_home.__dict__["context"] = replace(sqlite_home.context, look_at_disk=filling)
    return filling


def test_everything_runs_with_enough_disk_space(
    disk: Filling, sqlite_home: Installation, paul: FlaskClient
) -> None:
    assert sqlite_home.fill_in_form("ann@example.org").status_code == 202
    assert "nearly full" not in paul.get("/studio/").text
    assert send(paul, "/studio/people/1", "/studio/people/1/export").status_code == 200


def test_a_full_disk_postpones_signups_but_people_can_still_unsubscribe(
    disk: Filling, sqlite_home: Installation, smtp_sink: SmtpSink
) -> None:
    sqlite_home.subscribe("ann@example.org")
    sqlite_home.deliver()
    disk.free = 50_000_000
    refused = sqlite_home.fill_in_form("bob@example.org")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "300")
    assert sqlite_home.press(link_in(smtp_sink.mails[0], "unsubscribe")).status_code == 200
    assert sqlite_home.enrolment("ann@example.org")["status"] == "unsubscribed"


def test_exports_stop_before_signups_and_the_owner_reads_what_to_do(
    disk: Filling, sqlite_home: Installation, paul: FlaskClient
) -> None:
    sqlite_home.subscribe("ann@example.org")
    disk.free = 350_000_000
    refused = send(paul, "/studio/people/1", "/studio/people/1/export")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "300")
    assert sqlite_home.fill_in_form("bob@example.org").status_code == 202
    page = paul.get("/studio/").text
    assert "The disk is nearly full" in page and "has 350 MB left" in page
    assert "previews of emails and exports" in page and "Make room there" in page


def test_the_disk_is_checked_once_for_many_questions(tmp_path: Path) -> None:
    filling = Filling(free=0)
    watch = Disk([tmp_path], filling)
    assert not any(watch.allows(use) for use in DiskUse if use is not DiskUse.UNSUBSCRIBING)
    assert watch.allows(DiskUse.UNSUBSCRIBING) and filling.looks == 1


def test_a_missing_directory_is_measured_by_its_parent(tmp_path: Path) -> None:
    there, missing = look(tmp_path), look(tmp_path / "not/there")
    assert there.total == missing.total > missing.free > 0
