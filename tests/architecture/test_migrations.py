"""A release only adds; what it stops using is dropped in the next release.

This lets the program of the previous release run alongside a newer one. Checked from migration
0016 on, since when programs ask whether they may work with newer tables.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nurture.store.shape import FIRST, KNOWN, MIGRATIONS

HELD = sorted(p for p in (MIGRATIONS / "versions").glob("[0-9]*.py") if p.name[:4] >= FIRST)

_TAKES = re.compile(r"\b(DROP\s+(TABLE|COLUMN)|RENAME)\b", re.IGNORECASE)
_DROPS = {"drop_table", "drop_column", "rename_table"}


def takes_away(tree: ast.Module) -> bool:
    """Return whether upgrading drops or renames a table or a column."""
    return any(map(_takes, ast.walk(_upgrade(tree))))


def _takes(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(_TAKES.search(node.value))
    if not isinstance(node, ast.Call):
        return False
    return _name(node) in _DROPS or "new_column_name" in _named(node)


def shuts_out(tree: ast.Module) -> bool:
    """Return whether it rejects rows of the previous release, which sets no new column."""
    return any(map(_demands, ast.walk(_upgrade(tree))))


def _demands(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    if _name(node) == "alter_column":
        return _is_false(_named(node).get("nullable"))
    added = [one for one in node.args if isinstance(one, ast.Call) and _name(one) == "Column"]
    return _name(node) == "add_column" and any(map(_must_be_given, added))


def _must_be_given(column: ast.Call) -> bool:
    named = _named(column)
    return _is_false(named.get("nullable")) and "server_default" not in named


def _upgrade(tree: ast.Module) -> ast.Module:
    """Return the module without its downgrade, which is never used while programs run."""
    kept = [n for n in tree.body if not (isinstance(n, ast.FunctionDef) and n.name == "downgrade")]
    return ast.Module(kept[1:], [])


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _named(call: ast.Call) -> dict[str | None, ast.expr]:
    return {one.arg: one.value for one in call.keywords}


def _is_false(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def marker(tree: ast.Module) -> str | None:
    """Return the newest migration of the release that stopped using what is dropped here."""
    return next(_markers(tree), None)


def _markers(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "stopped_using":
            yield str(ast.literal_eval(node.value))


@pytest.mark.parametrize("path", HELD, ids=lambda path: path.stem)
def test_a_migration_removes_nothing_the_previous_release_uses(path: Path) -> None:
    tree, said = ast.parse(path.read_text()), marker(ast.parse(path.read_text()))
    remedy = "name the release that stopped using it: stopped_using = “its newest migration”"
    assert said or not takes_away(tree), remedy
    assert said is None or (said in KNOWN and FIRST <= said < path.name[:4]), remedy
    assert not shuts_out(tree), "the release before writes rows without it: give a server_default"


def test_there_are_migrations_to_check() -> None:
    assert [path.name[:4] for path in HELD][:1] == [FIRST]


@pytest.mark.parametrize(
    "line",
    [
        "op.drop_table('drafts')",
        "op.drop_column('events', 'raw')",
        "op.alter_column('events', 'raw', new_column_name='body')",
        "op.rename_table('drafts', 'sketches')",
        "batch.drop_column('raw')",
        "op.execute('alter table events drop column raw')",
    ],
)
def test_a_removal_is_detected(line: str) -> None:
    assert takes_away(ast.parse(f"'''What.'''\ndef upgrade():\n    {line}\n"))
    assert not takes_away(ast.parse(f"'''What.'''\ndef downgrade():\n    {line}\n"))


@pytest.mark.parametrize(
    ("line", "is_noticed"),
    [
        ("op.add_column('a', sa.Column('b', sa.Text(), nullable=False))", True),
        ("op.alter_column('a', 'b', nullable=False)", True),
        ("op.add_column('a', sa.Column('b', sa.Text(), nullable=False, server_default=''))", False),
        ("op.add_column('a', sa.Column('b', sa.Text()))", False),
    ],
)
def test_a_column_the_previous_release_cannot_fill_is_detected(line: str, is_noticed: bool) -> None:
    assert shuts_out(ast.parse(f"'''What.'''\ndef upgrade():\n    {line}\n")) is is_noticed
