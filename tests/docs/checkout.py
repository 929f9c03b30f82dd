"""A copy of the checkout in which a page that adds code can be followed to the letter."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.fenced_blocks import ROOT, Block, blocks

_COPIED = (
    *("nurture", "tasks", "webhooks", "tests", "templates", "docs"),
    *("celeryconfig.py", "pyproject.toml", "README.md"),
)
_LEFT = shutil.ignore_patterns("__pycache__", "pictures", "upgrades", "browser", "corpus", ".*")


@dataclass(frozen=True)
class Change:
    """A piece of a file that a page adds or rewrites; a whole file is added if `old` is empty."""

    file: str
    old: str
    new: str
    adds_to_end: bool = False

    @property
    def is_code(self) -> bool:
        """Whether it stands in the midst of a file that others wrote."""
        return bool(self.old)


def changes(page: Path) -> Iterator[Change]:
    """Everything that a page says to write, in its order."""
    for block in blocks(page.read_text()):
        if block.language == "diff":
            yield from _hunks(block)
        elif block.place:
            at_end = block.place.startswith(">> ")
            yield Change(block.place.removeprefix(">> "), "", block.content, at_end)


def _hunks(block: Block) -> Iterator[Change]:
    for of_file in block.content.split("+++ ")[1:]:
        file, _, hunks = of_file.partition("\n")
        for hunk in hunks.split("@@\n"):
            lines = hunk.splitlines(keepends=True)
            old = "".join(line[1:] for line in lines if line[0] in " -")
            yield Change(file, old, "".join(line[1:] for line in lines if line[0] in " +"))


class Checkout:
    """The copy."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name in _COPIED:
            source, copy = ROOT / name, directory / name
            if source.is_dir():
                shutil.copytree(source, copy, ignore=_LEFT)
            else:
                shutil.copy(source, copy)

    def restore(self, files: Iterable[str]) -> None:
        """Bring files back to how they were before any change."""
        for file in files:
            shutil.copy(ROOT / file, self.directory / file)

    def write(self, change: Change) -> None:
        """Make one change; what it says is in the file has to be there, once."""
        file = self.directory / change.file
        file.parent.mkdir(parents=True, exist_ok=True)
        if change.is_code:
            file.write_text(_replaced_once(file.read_text(), change))
        else:
            before = file.read_text() if change.adds_to_end else ""
            file.write_text(before + change.new)

    def run(self, page: Path) -> str:
        """Run every command of a page; return what was printed."""
        shown = [block for block in blocks(page.read_text()) if block.language == "sh"]
        return "".join(self._run(line) for one in shown for line in one.content.splitlines())

    def _run(self, line: str) -> str:
        program, *words = shlex.split(line)
        module = {".venv/bin/pytest": "pytest", ".venv/bin/nurture": "nurture"}[program]
        # A copied test has its own databases; a run within a run must not share a cache with it.
        quiet = ["-q", "-x", "-p", "no:cacheprovider"] if module == "pytest" else []
        done = subprocess.run(
            [sys.executable, "-m", module, *quiet, *words],
            cwd=self.directory,
            env=os.environ
            | {"PYTHONPATH": str(self.directory), "NURTURE_DATA_DIR": "var"}
            | {"HYPOTHESIS_PROFILE": "brief"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return f"$ {line}\n{done.stdout}"


def _replaced_once(text: str, change: Change) -> str:
    """Return a file's text with a change made; fail unless the old lines are there, once."""
    assert f"\n{text}".count(f"\n{change.old}") == 1, f"{change.file}: {change.old}"
    return f"\n{text}".replace(f"\n{change.old}", f"\n{change.new}").removeprefix("\n")
