"""The owner's last uploaded guide is delivered everywhere, and the upload can be undone."""

from pathlib import Path

import pytest

from nurture.domain.subscribers.consent import Evidence
from nurture.services.publishing import guides
from nurture.services.publishing.guides import GuideError, GuideFiles
from nurture.services.subscribers.guide import collect_guide
from nurture.store.tables import guide_files
from tests.installation import SHIPPED, Installation
from tests.pdfs import (
    a_pdf,
    with_file,
    with_hidden_script,
    with_program,
    with_program_elsewhere,
    with_script,
)

FIRST, SECOND = a_pdf("the first"), a_pdf("the second")


def upload(home: Installation, content: bytes, name: str = "C:\\guides\\My guide.pdf") -> int:
    path = home.directory / "upload"
    path.write_bytes(content)
    return guides.upload_guide(
        home.context.database, "pain-guide", name, path, "paul@example.org", home.clock.now
    )


def handed_over(home: Installation, guide_files: GuideFiles | None = None) -> bytes:
    """Return what a person receives who presses the button."""
    context = home.context
    guide = collect_guide(
        context.database,
        context.catalogue,
        guide_files or context.guide_files,
        1,
        {},
        Evidence("https://emails.example.org/guide", "192.0.2.7", "a browser"),
        home.clock.now,
    )
    assert guide is not None
    return guide.path.read_bytes()


def test_readers_get_the_newest_guide_and_an_old_one_can_be_put_back(
    home: Installation, tmp_path: Path
) -> None:
    home.subscribe("ann@example.org")
    assert handed_over(home) == (SHIPPED / "pain-guide/guide.pdf").read_bytes()
    assert upload(home, FIRST) == 1
    assert handed_over(home) == FIRST
    assert upload(home, SECOND) == 2
    assert upload(home, SECOND) == 2
    elsewhere = GuideFiles(home.context.library, tmp_path / "another machine")
    assert handed_over(home, elsewhere) == SECOND
    context = home.context
    assert (
        guides.put_back(context.database, "pain-guide", 1, "paul@example.org", home.clock.now) == 3
    )
    assert handed_over(home) == FIRST
    with context.database.reading() as connection:
        history = guide_files.guides_of(connection, "pain-guide")
    assert [(one.number, one.name) for one in history] == [
        (3, "My guide.pdf"),
        (2, "My guide.pdf"),
        (1, "My guide.pdf"),
    ]


def test_an_incomplete_copy_of_a_guide_is_fetched_again(sqlite_home: Installation) -> None:
    home = sqlite_home
    home.subscribe("ann@example.org")
    upload(home, FIRST)
    assert handed_over(home) == FIRST
    [copy] = home.context.guide_files.copies.iterdir()
    copy.write_bytes(FIRST[:7])
    assert handed_over(home) == FIRST


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no file"),
        (b"<html>404</html>", "no PDF"),
        (FIRST[:20], "breaks off"),
        (b"%PDF-1.7\n%%EOF\n", "no pages"),
        (FIRST.replace(b"the first", guides.SAMPLE), "sample"),
        (FIRST + bytes(guides.LARGEST), "30 MB are the most"),
        (with_script(), "more than pages: a script"),
        (with_hidden_script(), "more than pages: a script"),
        (with_program(), "a program to start"),
        (with_program_elsewhere(), "a program to start"),
        (with_file(), "another file"),
        (b"%PDF-1.7\n1 0 obj<</Type /Page>>endobj\n%%EOF\n", "cannot be read"),
    ],
)
def test_an_unsuitable_guide_is_refused_with_a_reason(
    sqlite_home: Installation, content: bytes, why: str
) -> None:
    with pytest.raises(GuideError, match=why):
        upload(sqlite_home, content)


def test_trailing_zero_bytes_after_a_complete_guide_are_accepted(sqlite_home: Installation) -> None:
    assert upload(sqlite_home, FIRST + bytes(3000)) == 1


def test_the_shipped_guides_fail_only_for_being_samples() -> None:
    for key in ("pain-guide", "over-50-guide"):
        with pytest.raises(GuideError, match="sample"):
            guides.check_guide(SHIPPED / key / "guide.pdf")


def test_putting_back_an_unknown_guide_revision_is_an_error(sqlite_home: Installation) -> None:
    context = sqlite_home.context
    with pytest.raises(GuideError, match="number 7"):
        guides.put_back(context.database, "pain-guide", 7, "paul@example.org", context.clock())
