"""The owner's files are parsed into plain values, or the error names the file and the field."""

import shutil
from datetime import time, timedelta
from pathlib import Path

import pytest

from nurture.domain.sequences.sequence import (
    WORKING_DAYS,
    Late,
    OptIn,
    Quiet,
    Request,
    StepKind,
    Wait,
)
from nurture.domain.subscribers.consent import Purpose
from nurture.library.folder import parse_email, read_library
from nurture.library.practice import parse_practice
from nurture.library.reading import LibraryError
from nurture.library.sequences import parse_sequence
from nurture.settings import Settings
from tests.presence import at_least_one

SHIPPED = Settings(secret_key="x").templates_dir
HEAD = 'title = "T"\n[form]\nkey = "k"\nwording = "w"\ngrants = ["guide"]\n'
STEP = HEAD + '[[steps]]\nemail = "a"\n'


@pytest.fixture
def emails(tmp_path: Path) -> Path:
    """A copy of the shipped emails, to be damaged."""
    return shutil.copytree(SHIPPED, tmp_path / "emails")


def refused(toml: str) -> str:
    with pytest.raises(LibraryError) as raised:
        parse_sequence("series", toml)
    return str(raised.value)


def test_the_shipped_library_is_read_completely() -> None:
    library = read_library(SHIPPED)
    for source in at_least_one(library.sequences):
        assert [step.email for step in source.sequence.steps] == list(source.emails)
        assert (source.sequence.form is not None) == source.sequence.has_guide
    doors = {s.sequence.key: (s.sequence.answers, s.sequence.quiet) for s in library.sequences}
    assert doors["your-data"] == (Request.DATA, None)
    assert doors["erase-me"] == (Request.ERASURE, None)
    assert doors["still-there"] == (None, Quiet(timedelta(days=180), timedelta(days=14)))
    assert library.practice.time_zone == "Europe/London"


def test_every_setting_of_a_step_is_read() -> None:
    toml = STEP + (
        'kind = "invitation"\nwait = "2 days"\nat = "08:30"\non = "working days"\n'
        'late = "skip"\nmax_late = "36 hours"\n'
    )
    [step] = parse_sequence("series", toml).steps
    assert (step.email, step.kind, step.wait) == ("a", StepKind.INVITATION, Wait(days=2))
    assert (step.at, step.on, step.late) == (time(8, 30), WORKING_DAYS, Late.SKIP)
    assert step.max_late == timedelta(hours=36)


def test_omitted_settings_get_the_careful_default() -> None:
    sequence = parse_sequence("series", HEAD)
    assert sequence.form is not None
    assert sequence.form.opt_in is OptIn.COLLECT
    assert sequence.form.grants == (Purpose.GUIDE,)
    assert (sequence.goal, sequence.guide_title) == ("booked", "T")


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ('kind = "essay"', "step 1, kind"),
        ('wait = "soon"', "step 1, wait"),
        ("wait = 2", "step 1, wait"),
        ('wait = "99999999999999999 hours"', "step 1, wait"),
        ('at = "8.30"', "step 1, at"),
        ("at = 08:30:00", "step 1, at"),
        ('on = "weekdays"', "step 1, on"),
        ("on = 5", "step 1, on"),
        ('late = "never"', "step 1, late"),
        ('max_late = "long"', "step 1, max_late"),
        ('colour = "red"', "step 1: colour"),
    ],
)
def test_an_error_in_a_step_names_the_step_and_the_field(line: str, field: str) -> None:
    assert refused(STEP + line).startswith(f"sequence.toml, {field}")


@pytest.mark.parametrize(
    ("toml", "place"),
    [
        (HEAD.replace("title", "name"), "sequence.toml: name"),
        (HEAD.replace('title = "T"', ""), "sequence.toml: title"),
        (HEAD.replace('key = "k"', ""), "sequence.toml, [form]: key"),
        (HEAD.replace('wording = "w"', ""), "sequence.toml, [form]: wording"),
        (HEAD.replace('"guide"', ""), "sequence.toml, [form]: grants"),
        (HEAD.replace('"guide"', '"everything"'), "sequence.toml, [form], grants"),
        (HEAD.replace('["guide"]', "5"), "sequence.toml, [form], grants"),
        (HEAD + 'opt_in = "never"', "sequence.toml, [form], opt_in"),
        (HEAD + "[[steps]]\n", "sequence.toml, step 1: email"),
        ("steps = 5\n" + HEAD, "sequence.toml"),
        ('title = "T"\nform = 5', "sequence.toml"),
        ("title = ", "sequence.toml"),
    ],
)
def test_an_error_in_the_plan_names_the_file_and_the_field(toml: str, place: str) -> None:
    assert refused(toml).startswith(place)


PRACTICE = (SHIPPED / "practice.toml").read_text()


@pytest.mark.parametrize(
    ("toml", "field"),
    [
        (PRACTICE.replace("name    =", "title ="), "title"),
        (PRACTICE + '\ncolour = "red"', "colour"),
        (PRACTICE.replace('["30 Cannon Street", "London EC4M 6XH"]', "5"), "address"),
        (
            PRACTICE.replace('["30 Cannon Street", "London EC4M 6XH"]', '"30 Cannon Street"'),
            "address",
        ),
        (PRACTICE.replace("Europe/London", "Europe/Lundon"), "time_zone"),
    ],
)
def test_an_error_in_the_practice_names_the_file_and_the_field(toml: str, field: str) -> None:
    with pytest.raises(LibraryError, match=rf"practice.toml.*{field}"):
        parse_practice(toml)


def test_an_email_is_split_and_its_body_keeps_its_line_number() -> None:
    content = '+++\nsubject = "S"\n\npreheader = "P"\n+++\n<mjml>\n'
    front, body, line = parse_email(content, "a.mjml")
    assert front == {"subject": "S", "preheader": "P"}
    assert content.splitlines()[line - 1] == "<mjml>"
    assert body == "<mjml>\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<mjml>", "a.mjml, line 1"),
        ('+++\nsubject = "S"\n<mjml>', "a.mjml: the front matter does not end"),
        ("+++\nsubject = oops\n+++\n", "a.mjml: .*line 2"),
    ],
)
def test_unreadable_front_matter_is_named(content: str, told: str) -> None:
    with pytest.raises(LibraryError, match=told):
        parse_email(content, "a.mjml")


@pytest.mark.parametrize(
    "name",
    [
        "practice.toml",
        "pain-guide/your-guide.md",
        "your-data/your-data.txt",
    ],
)
def test_a_missing_or_unreadable_file_is_named(emails: Path, name: str) -> None:
    (emails / name).write_bytes(b"\xff\xfe")
    with pytest.raises(LibraryError, match=rf"{name} is not UTF-8"):
        read_library(emails)
    (emails / name).unlink()
    with pytest.raises(LibraryError, match=rf"{name} is missing"):
        read_library(emails)


def test_files_with_windows_line_endings_are_read(emails: Path) -> None:
    for path in emails.rglob("*.m*"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_library(emails) == read_library(SHIPPED)


def test_a_file_with_a_byte_order_mark_is_read(emails: Path) -> None:
    path = emails / "pain-guide/your-guide.md"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_library(emails) == read_library(SHIPPED)


def test_a_folder_without_a_sequence_is_an_error(tmp_path: Path) -> None:
    shutil.copy(SHIPPED / "practice.toml", tmp_path)
    with pytest.raises(LibraryError, match="has no sequence"):
        read_library(tmp_path)
