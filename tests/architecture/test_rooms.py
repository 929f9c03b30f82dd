"""The code base can be understood from its tree: small packages, and no duplicates."""

import ast
import re
from collections import Counter
from pathlib import Path

from tests.architecture.codebase import ROOT

PROGRAM = [
    path
    for package in ("nurture", "tasks", "webhooks")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts
]

#: So many modules are seen at a glance.
_AT_A_GLANCE = 16


def test_a_package_with_many_modules_explains_why() -> None:
    counted = Counter(path.parent for path in PROGRAM)
    large = [folder for folder, modules in counted.items() if modules > _AT_A_GLANCE]
    assert [folder for folder in large if not re.search(r"\beach ", _docstring_of(folder))] == []


def test_every_package_has_a_docstring() -> None:
    rooms = [path for path in PROGRAM if path.name == "__init__.py"]
    assert [str(path) for path in rooms if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_no_module_merely_reexports_names() -> None:
    for path in PROGRAM:
        statements = ast.parse(path.read_text()).body
        meant = [one for one in statements if not isinstance(one, ast.Import | ast.ImportFrom)]
        names = [one for one in meant if _is_docstring(one) or _is_all(one)]
        imports = len(statements) - len(meant)
        assert not imports or len(meant) > len(names) or path.parent.name == "cli", path


def test_no_module_uses_star_imports_or_module_level_getattr() -> None:
    for path in PROGRAM:
        tree = ast.parse(path.read_text())
        wholesale = [n for n in ast.walk(tree) if isinstance(n, ast.alias) and n.name == "*"]
        assert not wholesale, path
        defined = {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
        assert "__getattr__" not in defined, path


def _docstring_of(package: Path) -> str:
    return ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""


def _is_docstring(one: ast.stmt) -> bool:
    return isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)


def _is_all(one: ast.stmt) -> bool:
    return isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "__all__"


def test_no_two_public_classes_share_a_name() -> None:
    named: dict[str, list[str]] = {}
    for path in PROGRAM:
        for one in ast.parse(path.read_text()).body:
            if isinstance(one, ast.ClassDef) and not one.name.startswith("_"):
                named.setdefault(one.name, []).append(str(path.relative_to(ROOT)))
    assert {name: places for name, places in named.items() if len(places) > 1} == {}
