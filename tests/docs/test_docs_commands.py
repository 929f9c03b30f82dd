"""The instructions in docs/ are followed here, in order, on a copy of the emails."""

import contextlib
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from nurture.bootstrap import build
from nurture.cli import main
from nurture.domain.sequences.sequence import StepKind
from nurture.services.subscribers.signup import Signup, subscribe
from nurture.settings import load_settings
from tests.docs.fenced_blocks import ROOT, Block, blocks
from tests.presence import at_least_one
from tests.servers.names import name_server

PAGES = sorted((ROOT / "docs").glob("*.md"))

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def commands(page: Path) -> list[str]:
    shown = [block for block in blocks(page.read_text()) if block.language == "sh"]
    return [line for block in shown for line in block.content.splitlines() if line]


class Workshop:
    """A directory like the checkout, in which nothing can be broken."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        emails = directory / "templates/emails"
        # One sequence is enough to copy from, and halves the time that checking takes.
        others = shutil.ignore_patterns("over-50-guide")
        shutil.copytree(ROOT / "templates/emails", emails, ignore=others)
        self.environment = {
            "NURTURE_TEMPLATES_DIR": str(emails),
            "NURTURE_DATA_DIR": str(directory / "var"),
        }
        for sequence in emails.glob("*/sequence.toml"):
            if not sequence.with_name("guide.pdf").exists():
                sequence.with_name("guide.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")

    def follow(self, page: Path) -> str:
        """Write every file the page shows and run every command; return the output."""
        return "".join(self._do(block) for block in blocks(page.read_text()))

    def _do(self, block: Block) -> str:
        if block.language == "sh":
            return "".join(self._run(line) for line in block.content.splitlines())
        if block.place:
            appends = block.place.startswith(">> ")
            with (self.directory / block.place.removeprefix(">> ")).open(
                "a" if appends else "w"
            ) as f:
                f.write(block.content)
        return ""

    def _run(self, line: str) -> str:
        program, *words = shlex.split(line)
        said = ""
        if program == ".venv/bin/nurture":
            with contextlib.chdir(self.directory):
                done = CliRunner(env=self.environment).invoke(main, words)
            assert done.exit_code == 0, f"{line}\n{done.output}"
            said = f"$ {line}\n{done.output}"
        elif program in ("cp", "mkdir", "mv"):
            assert subprocess.run(["sh", "-c", line], cwd=self.directory).returncode == 0, line
        else:
            # The tests are what is running now.
            assert program in (".venv/bin/pytest", "make"), f"nobody can try this: {line}"
        return said


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_the_instructions_for_adding_a_sequence_work(workshop: Workshop) -> None:
    said = workshop.follow(ROOT / "docs/adding-a-sequence.md")
    assert re.search(r"\d\d:\d\d  guide +your-guide", said)
    assert re.search(r"(Tue|Wed|Thu) .* 10:00  invitation +discovery-session", said)
    assert "published: knee-guide\n" in said
    assert "published: knee-guide/your-guide\n" in said


def test_the_instructions_for_adding_an_email_work(workshop: Workshop) -> None:
    said = workshop.follow(ROOT / "docs/adding-an-email.md")
    assert "would change: pain-guide/stairs-without-fear\n" in said
    assert "published: pain-guide/stairs-without-fear\n" in said
    assert "pain-guide/stairs-without-fear: the article has no address yet" in said


def test_the_instructions_for_adding_a_segment_work(workshop: Workshop) -> None:
    said = workshop.follow(ROOT / "docs/adding-a-segment.md")
    assert "published: segments\n" in said
    assert "strong-interest: 0" in said
    assert "email,first_name,since" in said


def test_the_simulation_instructions_work(workshop: Workshop) -> None:
    said = workshop.follow(ROOT / "docs/simulating.md")
    shown = [b.content for b in blocks((ROOT / "docs/simulating.md").read_text()) if not b.place]
    [calendar] = [text for text in shown if text.startswith("week of 28 December 2026")]
    assert calendar in said
    anna, ben, cleo = said.split(", times in")[2:5]
    assert "books" in anna
    assert "(goal_reached: the goal has been reached)" in anna
    assert "America/New_York" in ben
    assert "they asked for a pause" in ben
    assert "(removed: the guide was not collected)" in cleo
    assert said.endswith("pain-guide: nobody under way\n")

    assert "completed" in said


def test_the_privacy_instructions_work(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workshop.directory)
    workshop._run(".venv/bin/nurture publish")
    context = build(load_settings(workshop.environment))
    signup = Signup("pain-guide", "anna@example.org", first_name="Anna")
    subscribe(
        context.database, context.catalogue, context.tokens, context.limits, signup, context.clock()
    )
    said = workshop.follow(ROOT / "docs/privacy.md")
    assert "series of “pain-guide” granted" in said
    assert "Anna" in (workshop.directory / "anna.html").read_text()
    assert "Erased." in said


def test_the_page_on_step_kinds_lists_them_all() -> None:
    page = (ROOT / "docs/adding-a-step-kind.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [kind.value for kind in StepKind]


@every_page
def test_every_path_named_in_a_document_exists(page: Path) -> None:
    named = set(re.findall(r"`((?:nurture|webhooks|tests|docs)/[\w./-]+)`", page.read_text()))
    named |= {word for line in commands(page) for word in line.split() if word.startswith("tests/")}
    named |= {f"docs/{name}" for name in re.findall(r"\]\(([\w-]+\.md)\)", page.read_text())}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


@every_page
def test_every_function_named_in_a_document_is_in_the_file_it_names(page: Path) -> None:
    text = " ".join(page.read_text().split())
    source = "".join(
        (ROOT / name).read_text()
        for name in re.findall(r"`(nurture/[\w/]+\.py)`", text)
        if (ROOT / name).exists()
    )
    private = set(re.findall(r"`(_\w+)`", text))
    assert [name for name in sorted(private) if f"def {name}(" not in source] == []


@every_page
def test_a_document_has_one_heading_at_the_top_and_instructions_fit_on_a_page(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert lines[0].startswith("# ")
    assert sum(line.startswith("# ") for line in lines) == 1
    assert len(lines) <= 100 or not page.stem.startswith("adding-")


def test_the_operating_instructions_work_and_explain_every_finding(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workshop.directory)
    page = ROOT / "docs/operating.md"
    workshop._run(".venv/bin/nurture publish")
    with name_server({}):
        said = workshop.follow(page)
    assert "0 failed" in said
    _, _, told = said.partition("$ .venv/bin/nurture doctor --json\n")
    found, _ = json.JSONDecoder().raw_decode(told)
    assert {"name", "level", "sentence", "remedy"} == set(found[0])
    explained = set(re.findall(r"^\| `([\w ]+)` \|", page.read_text(), re.MULTILINE))
    assert {one["name"] for one in found} <= explained
    named = re.compile(r"(?:fine|doubtful|worse|failed|failed_by)\(\s*\"([a-z ]+)\"")
    sources = [*(ROOT / "nurture/services/health").glob("*.py"), ROOT / "nurture/cli/doctor.py"]
    every = {name for source in sources for name in named.findall(source.read_text())}
    assert every == explained


def test_a_failing_command_is_detected(workshop: Workshop, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Do this:\n\n   ```sh\n   .venv/bin/nurture simulate nowhere\n   ```\n")
    with pytest.raises(AssertionError, match="There is no sequence"):
        workshop.follow(page)


def test_the_instructions_for_restoring_a_lost_machine_work(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workshop.directory)
    clock = workshop.directory / "clock"
    clock.write_text("2026-11-30T02:00:00Z")
    workshop.environment["NURTURE_CLOCK"] = str(clock)
    workshop._run(".venv/bin/nurture publish")
    context = build(load_settings(workshop.environment))
    signup = Signup("pain-guide", "anna@example.org", first_name="Anna")
    subscribe(
        context.database, context.catalogue, context.tokens, context.limits, signup, context.clock()
    )
    page = (ROOT / "docs/backups.md").read_text()
    before, after = page.split("## The machine is lost")
    said = "".join(workshop._do(block) for block in blocks(before))
    [words] = re.findall(r"^    ((?:\w+-){7}\w+)$", said, re.MULTILINE)
    (workshop.directory / "words.txt").write_text(words)
    context.database.close()
    shutil.rmtree(workshop.directory / "var")
    clock.write_text("2026-12-03T10:00:00Z")
    said = "".join(workshop._do(block) for block in blocks(after))
    assert "anna@example.org: “your-guide”" in said
    assert "Dropped: 1." in said
    assert "Armed:" in said


def test_the_instructions_for_changing_keys_work(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workshop.directory)
    workshop.environment["NURTURE_BACKUP_URL"] = "backups-elsewhere"
    workshop._run(".venv/bin/nurture publish")
    before = load_settings(workshop.environment).keys
    page = (ROOT / "docs/keys.md").read_text()
    old, leaked = page.split("## The key has leaked")
    said = "".join(workshop._do(block) for block in blocks(old))
    assert "Existing links keep working." in said
    rotated = load_settings(workshop.environment).keys
    assert (rotated.signing[1:], rotated.address) == (before.signing, before.address)
    assert (workshop.directory / "new-keys.env").stat().st_mode & 0o777 == 0o600
    said = "".join(workshop._do(block) for block in blocks(leaked))
    assert "Existing links can only stop emails" in said
    after = load_settings(workshop.environment).keys
    assert (after.leaked, after.address) == (rotated.signing, before.address)


def test_the_page_on_keys_covers_every_kind_of_older_link() -> None:
    """Check that nothing is left out; tests/web/test_outdated_links.py checks what it says."""
    page = (ROOT / "docs/keys.md").read_text()
    kinds = ("unsubscribe", "preferences", "guide", "confirmation", "click", "open", "Message-ID")
    for kind in at_least_one(kinds):
        assert re.search(rf"^\| .*{kind}", page, re.MULTILINE), kind


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_the_moving_instructions_work(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, postgres_url: str, kind: str
) -> None:
    from tests.servers.databases import empty_postgresql

    monkeypatch.chdir(workshop.directory)
    clock = workshop.directory / "clock"
    clock.write_text("2026-11-30T02:00:00Z")
    workshop.environment["NURTURE_CLOCK"] = str(clock)
    with empty_postgresql(postgres_url) as url:
        of_old, of_new = (url, "") if kind == "sqlite" else ("", url)
        workshop.environment["NURTURE_DATABASE_URL"] = of_old
        said = _move(workshop, of_new)
    assert "docs/moving.md" in said and "Released: 1." in said and "Armed:" in said
    assert said.count("restored and compared: good") == 2
    assert said.count("These eight words") == 1
    assert (workshop.directory / "var/nurture.db").exists() is (kind == "sqlite")


def _move(workshop: Workshop, database_url: str) -> str:
    """Sign Anna up and follow the page; return the output."""
    workshop._run(".venv/bin/nurture publish")
    context = build(load_settings(workshop.environment))
    signup = Signup("pain-guide", "anna@example.org", first_name="Anna")
    subscribe(
        context.database, context.catalogue, context.tokens, context.limits, signup, context.clock()
    )
    context.database.close()
    (workshop.directory / ".env").write_text("NURTURE_BACKUP_URL=backups-elsewhere\n")
    before, after = (ROOT / "docs/moving.md").read_text().split("## On the new machine\n")
    said = "".join(workshop._do(block) for block in blocks(before))
    [words] = re.findall(r"^    ((?:\w+-){7}\w+)$", said, re.MULTILINE)
    (workshop.directory / "words.txt").write_text(words)
    workshop.environment["NURTURE_DATABASE_URL"] = database_url
    (workshop.directory / "clock").write_text("2026-11-30T03:00:00Z")
    return said + "".join(workshop._do(block) for block in blocks(after))
