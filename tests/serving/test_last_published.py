"""A start with the same files as the last checks and compiles nothing, and misses nothing."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from nurture.library.folder import read_library
from nurture.library.reading import files_of
from nurture.services.publishing import files
from nurture.serving.last_published import LastPublished
from nurture.serving.preparation import prepare
from nurture.store.tables.revisions import latest_publication
from tests.installation import SHIPPED, Installation
from tests.installations import home, smtp_sink, sqlite_home

__all__ = ["home", "smtp_sink", "sqlite_home"]


class Place:
    """A database, and a folder of emails that are edited."""

    def __init__(self, home: Installation, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.home = folder, home
        for name, value in home.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("NURTURE_TEMPLATES_DIR", str(folder))
        self.context = home.another(NURTURE_TEMPLATES_DIR=str(folder))

    def start(self) -> dict[str, Any]:
        """Do what a start does before anything runs."""
        return prepare()

    @property
    def publication(self) -> int:
        """Return the number of the current publication."""
        with self.context.database.reading() as connection:
            return latest_publication(connection)

    @property
    def needs_no_publishing(self) -> bool:
        """Return whether the next start would treat the files as published."""
        return LastPublished(self.context).find_notes() is not None


@pytest.fixture
def place(home: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    shutil.copytree(SHIPPED, tmp_path / "emails")
    return Place(home, tmp_path / "emails", monkeypatch)


def test_the_second_start_reports_the_same_as_the_first(place: Place) -> None:
    assert not place.needs_no_publishing
    first = place.start()
    assert place.needs_no_publishing
    assert place.start() == first


def test_a_symlink_moved_to_another_folder_is_published_at_the_next_start(place: Place) -> None:
    (place.folder / "releases").mkdir()
    kept = (place.folder / "pain-guide").rename(place.folder / "releases/one")
    plan = shutil.copytree(kept, place.folder / "releases/two") / "sequence.toml"
    plan.write_text(f"# Newer\n{plan.read_text()}")
    link = place.folder / "pain-guide"
    link.symlink_to("releases/one")
    place.start()
    assert place.needs_no_publishing
    link.unlink()
    link.symlink_to("releases/two")
    assert not place.needs_no_publishing


def test_broken_and_circular_symlinks_do_not_prevent_a_start(place: Place) -> None:
    for name, to in (("out", "/"), ("round", "."), ("nowhere", "gone"), ("itself", "itself")):
        (place.folder / "layout" / f"zz-{name}").symlink_to(to)
    (place.folder / "round").symlink_to("layout")
    assert len(list(files_of(place.folder))) < 200


def test_an_edited_file_is_published_at_the_next_start(place: Place) -> None:
    place.start()
    before, practice = place.publication, place.folder / "practice.toml"
    practice.write_text(practice.read_text().replace("Human Movement", "Other Movement"))
    assert place.start()["practice"] == "Other Movement"
    assert place.publication > before
    assert place.needs_no_publishing


@pytest.mark.parametrize("change", ["added", "removed", "renamed"])
def test_an_added_or_removed_file_is_noticed(place: Place, change: str) -> None:
    place.start()
    [*_, email] = sorted(place.folder.glob("*/*.md"))
    if change == "added":
        email.with_name("new.txt").write_text("words")
    elif change == "removed":
        email.unlink()
    else:
        email.rename(email.with_name("another.md"))
    assert not place.needs_no_publishing


def test_an_invalid_file_is_refused_at_every_start(place: Place) -> None:
    place.start()
    [*_, email] = sorted(place.folder.glob("*/*.md"))
    email.write_text(email.read_text() + "\n\n{{ nonsense }}\n")
    for _ in range(2):
        with pytest.raises(files.CheckError):
            place.start()


def test_a_publication_by_another_program_is_noticed(place: Place) -> None:
    place.start()
    library = place.folder.parent / "elsewhere"
    shutil.copytree(place.folder, library)
    practice = library / "practice.toml"
    practice.write_text(practice.read_text().replace("Human Movement", "Other Movement"))
    now = place.home.clock.now
    files.publish(place.context.database, read_library(library), now)
    assert not place.needs_no_publishing


def test_a_truncated_note_of_the_last_publication_is_not_trusted(place: Place) -> None:
    place.start()
    kept = place.context.settings.data_dir / "last-published.json"
    whole = kept.read_bytes()
    for part in (b"", b"[]", b"null", whole[: len(whole) // 2]):
        kept.write_bytes(part)
        assert not place.needs_no_publishing
    kept.unlink()
    assert not place.needs_no_publishing
