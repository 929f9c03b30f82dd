"""Every file and folder that the documents and docstrings name is there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.codebase import ROOT, Definition, modules

DOCUMENTS = [
    "README.md",
    "STYLE.md",
    *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]

#: Files that a page has its reader make.
EXAMPLES = re.compile(r"templates/emails/(knee-guide|pain-guide/stairs-without-fear)")
_PATH = re.compile(r"`((?:nurture|tasks|webhooks|tests|bench|docs|templates)/[\w./-]+)`")


def named(text: str) -> Iterator[str]:
    """Return the paths of this project that a text names."""
    return (path for path in _PATH.findall(text) if not EXAMPLES.match(path))


def is_there(path: str) -> bool:
    """Return whether a path names a file, a folder, or a module without its ending."""
    return (ROOT / path).exists() or (ROOT / f"{path}.py").exists()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_in_the_documents_exists(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert [path for path in named(text) if not is_there(path)] == []


def test_every_path_in_a_docstring_exists() -> None:
    found = [
        f"{module.name}: {path}"
        for module in modules("nurture", "tasks", "webhooks", "tests", "bench")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Module | Definition)
        for path in named(ast.get_docstring(node) or "")
        if not is_there(path)
    ]
    assert found == []


def test_a_path_that_does_not_exist_would_be_noticed() -> None:
    [path] = named("see `nurture/nowhere.py`")
    assert not is_there(path)
    assert Path(path).suffix == ".py"
