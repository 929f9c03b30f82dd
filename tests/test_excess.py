"""Owner-written text meant to waste time or memory is refused immediately, with a message."""

import re
import shutil
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from nurture.domain.sequences.sequence import Sequence
from nurture.library.folder import parse_email, read_library
from nurture.library.limits import LONGEST_DOCUMENT, excess_of
from nurture.library.reading import LibraryError, read_document, read_toml
from nurture.library.segments import parse_segments
from nurture.library.sequences import parse_sequence
from nurture.rendering.lint.contrast import TooManyStylesError, weak_contrasts
from nurture.services.publishing.files import plan_findings
from nurture.services.publishing.guides import GuideError, GuideFiles
from tests.architecture.codebase import modules
from tests.installation import SHIPPED

HEAD = '[[segments]]\nname = "s"\n'
ATTACKS = {
    "40 KB of one dotted key": HEAD + ".".join("a" * 20_000) + " = 1",
    "200 KB of one dotted key": HEAD + ".".join("a" * 100_000) + " = 1",
    "a dotted key in quotes": ".".join(['"a"'] * 20_000) + " = 1",
    "a dotted header": "[" + " . ".join("a" * 20_000) + "]",
    "the same dotted key again and again": "".join(f"a.b.c.d.e{n} = 1\n" for n in range(5_000)),
    "a deep array": "x = " + "[" * 40_000 + "]" * 40_000,
    "deep tables": "x = " + "{ a = " * 15_000,
    "a long integer": "x = " + "1" * 5_000,
    "a long integer with underscores": "x = -" + "1_" * 4_000 + "1",
    "a long integer in hexadecimal": "x = 0x" + "f" * 90_000,
    "many values": "x = [" + "1," * 49_000 + "]",
    "many tables": "[[segments]]\n" * 7_000,
    "texts that do not end": '"""' + '"\\' * 45_000,
    "a day that is none": "x = 2026-02-31",
    "a null": 'x = "\0"',
}
A_SEQUENCE = 'title = "T"\n[form]\nkey = "k"\nwording = "w"\ngrants = ["guide"]\n'
A_STEP = '[[steps]]\nemail = "a"\nkind = "guide"\n'


#: So much plain work is a second of the machine that the limit was set for.
_A_SECOND = 125


@contextmanager
def promptly() -> Iterator[None]:
    """Fail unless the block takes less than a second of processor time, far more than it needs.

    On a machine that is currently slow, the limit grows as much as the time of plain work.
    """
    began = time.process_time()
    yield
    assert time.process_time() - began < max(1.0, _A_SECOND * _plain_work())


def _plain_work() -> float:
    """Return how many seconds of processor time some plain work currently takes."""
    began = time.process_time()
    sum(number * number for number in range(300_000))
    return time.process_time() - began


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_toml_that_is_expensive_to_parse_is_refused_immediately(attack: str) -> None:
    with promptly():
        for read in (read_toml, read_document, parse_segments):
            with pytest.raises(LibraryError) as refused:
                read(attack, "the text")
            assert str(refused.value).startswith("the text: ")
            assert len(str(refused.value)) < 300


def test_the_largest_allowed_document_is_read_quickly() -> None:
    line = '{ clicked = { topic = "golf", within = "30 days" } }, # "[[[ and why it is asked for'
    toml = HEAD + "all = [\n" + f"{line}\n" * 1_100 + "]\n"
    assert 0.9 * LONGEST_DOCUMENT < len(toml) < LONGEST_DOCUMENT
    with promptly():
        read_toml(toml, "the text")


def test_front_matter_passes_the_same_checks() -> None:
    with promptly(), pytest.raises(LibraryError, match=r"a name has more than 5 parts"):
        parse_email("+++\n" + ATTACKS["a dotted header"] + "\n+++\nHello", "an email")


@pytest.mark.parametrize(
    "harmless",
    [
        'x = "a.b.c.d.e.f.g.h [[[[["',
        "x = '''\n[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n'''",
        'x = """\\""" a.b.c.d.e.f.g """',
        "# a.b.c.d.e.f.g.h.i",
        'x = "\\" a.b.c.d.e.f.g"',
        "x = 2026-11-30T10:00:00.123456+00:00",
        f'x = "{"9" * 60}"',
        f"k{'9' * 60} = 1",
    ],
)
def test_brackets_in_strings_and_comments_are_ignored(harmless: str) -> None:
    assert excess_of(harmless) == ""
    read_toml(harmless, "here")


def test_only_one_module_parses_toml() -> None:
    readers = ("tomllib.load", "tomlkit.parse", "tomlkit.load")
    # A migration reads plans that were accepted, in the way in which they were accepted.
    present = [m for m in modules() if ".migrations." not in m.name]
    found = {m.name for m in present for reader in readers if reader in m.text}
    assert found == {"nurture.library.reading"}


def test_thousands_of_conditions_are_refused_before_they_are_evaluated() -> None:
    fifty = "[" + "{ booked = true }," * 50 + "]"
    toml = HEAD + "all = [" + f"{{ any = {fifty} }}," * 40 + "]\n"
    library = read_library(SHIPPED)
    with promptly():
        spoilt = plan_findings(replace(library, segments=parse_segments(toml)))
        assert "s: it has 2,000 conditions; keep them under 60, or make two of it." in spoilt
        assert any("more than 1,000 conditions in all" in one for one in spoilt)


N = 95_000
STYLES = {
    "rules for every element": "<style>" + "p{color:#eee}" * (N // 13) + "</style>" + "<p>x" * 3000,
    "rules for none": "<style>"
    + "".join(f".c{n} p{{color:#eee}}" for n in range(N // 19))
    + "</style>"
    + "<p>x" * 3000,
    "long selectors": "<style>"
    + ("p " * 30 + "b{color:#eee}") * (N // 73)
    + "</style>"
    + "<p>" * 60
    + "<p>x</p>" * 2500,
    "selectors without a rule": "<style>" + "a" * N + "</style>",
    "sheets that do not end": "<style>" * (N // 7),
    "comments that do not end": "<style>" + "/*" * (N // 4) + "<!--" * (N // 8) + "</style>",
    "at-rules that do not end": "<style>" + "@media{a{}" * (N // 10) + "</style>",
    "blanks": "<style>" + " " * N + "</style>",
    "ends of what never began": "<b>" * 3000 + "</i>" * 20_000,
    "a tree that is deep": "<style>i b, u b{color:#eee}</style>" + "<i>" * (N // 3) + "<b>x",
    "a selector with many ways": "<style>"
    + "i " * 8
    + "u b{color:#eee}</style>"
    + "<i>" * 30
    + "<b>x</b>" * 3000,
    "selectors in selectors": "<style>" + ":not(" * (N // 5) + "{color:#eee}</style><p>x",
    "sizes that are none": "<style>p{font-size:..px}</style><p style='font-size:1e999px'>x",
}


@pytest.mark.parametrize("html", STYLES.values(), ids=STYLES)
def test_expensive_styles_are_read_quickly(html: str) -> None:
    with promptly():
        try:
            weak_contrasts(html)
        except TooManyStylesError:
            refused = True
        else:
            refused = False
    assert not refused or html.count("{") * html.count("<p>") > 100_000 or html.count("<i>") > 20


@pytest.fixture
def emails(tmp_path: Path) -> Path:
    """A copy of the shipped emails, to be damaged, next to a file with unrelated secrets."""
    (tmp_path / "secret.pdf").write_bytes(b"%PDF- of somebody else")
    return shutil.copytree(SHIPPED, tmp_path / "emails")


@pytest.mark.parametrize(
    "guide", ["../../secret.pdf", "/etc/passwd", "../secret.pdf", "sequence.toml", "..", ".x.pdf"]
)
def test_a_guide_must_be_a_pdf_in_its_own_folder(emails: Path, guide: str) -> None:
    plan = emails / "pain-guide/sequence.toml"
    plan.write_text(re.sub(r"(?m)^guide +=.*", f'guide = "{guide}"', plan.read_text()))
    with pytest.raises(LibraryError, match=r"is no PDF of this folder\. Write its name alone"):
        read_library(emails)


def test_a_guide_in_another_folder_cannot_be_published_in_the_studio() -> None:
    toml = f'guide = "../../secret.pdf"\n{A_SEQUENCE}{A_STEP}'
    [source, *_] = (library := read_library(SHIPPED)).sequences
    spoilt = replace(source, sequence=parse_sequence("pain-guide", toml))
    found = plan_findings(replace(library, sequences=(spoilt,)))
    assert any("guide: write the name of a PDF in this folder" in one for one in found)


def test_an_already_published_guide_from_another_folder_is_not_delivered(emails: Path) -> None:
    guide_files = GuideFiles(emails, emails)
    for guide in ("../../secret.pdf", "../practice.toml"):
        with pytest.raises(GuideError, match="does not lie beside its emails"):
            guide_files.beside_the_emails(Sequence("pain-guide", "T", (), guide_file=guide))
    (emails / "pain-guide/link.pdf").symlink_to(emails.parent / "secret.pdf")
    with pytest.raises(GuideError):
        guide_files.beside_the_emails(Sequence("pain-guide", "T", (), guide_file="link.pdf"))
    assert guide_files.beside_the_emails(Sequence("pain-guide", "T", ())).is_file()


@pytest.mark.parametrize(
    "name",
    ["pain-guide/guide.pdf", "pain-guide/your-guide.md", "practice.toml", "layout/head.mjml"],
)
def test_a_symlink_that_leads_out_of_the_library_is_not_followed(emails: Path, name: str) -> None:
    outside = emails.parent / "outside"
    (emails / name).rename(outside) if (emails / name).exists() else outside.touch()
    (emails / name).symlink_to(outside)
    with pytest.raises(LibraryError, match="is a link that leads out of"):
        read_library(emails)


def test_a_symlink_within_the_library_is_followed(emails: Path) -> None:
    guide = emails / "pain-guide/your-guide.md"
    guide.rename(emails / "kept.md")
    guide.symlink_to("../kept.md")
    assert read_library(emails).sequences == read_library(SHIPPED).sequences


@pytest.mark.parametrize("name", ["../practice", "/etc/hostname", ".hidden", "a:b"])
def test_a_step_must_name_an_email_in_its_own_folder(emails: Path, name: str) -> None:
    plan = emails / "pain-guide/sequence.toml"
    plan.write_text(plan.read_text() + f'\n[[steps]]\nemail = "{name}"\nwait = "1 day"\n')
    with pytest.raises(LibraryError, match="is no email of this folder"):
        read_library(emails)


def test_an_oversized_file_is_not_even_opened(emails: Path) -> None:
    with (emails / "segments.toml").open("r+b") as file:
        file.truncate(1 << 40)
    with promptly(), pytest.raises(LibraryError, match="larger than a megabyte"):
        read_library(emails)


@pytest.mark.parametrize("end", ["'''a''''", "'''a'''''", '"""a""""', '"""a"""""'])
def test_a_string_that_ends_in_quotes_hides_nothing_after_it(end: str) -> None:
    assert tomllib.loads(f"x = {end}")
    for hidden in ("[" * 400 + "]" * 400, "9" * 5000):
        assert excess_of(f"x = [{end}, {hidden}]")
    assert excess_of(f"y = [{end}, {{ {'.'.join('a' * 40)} = 1 }}]")
