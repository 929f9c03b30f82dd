"""Consent records are append-only: no code changes or removes one, except that people are erased.

Every statement of the program is read here, also those that no test runs. `tests/proof.py` watches
those that tests run.
"""

import ast
import re
from collections.abc import Iterator, Sequence

import pytest

from tests.architecture.codebase import Function, Module, modules, offences

TABLE = "consents"

#: An erasure goes through all tables with rows about people, and empties what says who they were.
ERASURE = ("nurture.store.personal", "empty_people")

_WRITES = re.compile(
    r"\b(UPDATE|DELETE\s+FROM|TRUNCATE(\s+TABLE)?|MERGE\s+INTO|REPLACE\s+INTO|DROP\s+TABLE)\s+"
    r"(ONLY\s+)?[\"']?(?P<table>\w*)",
    re.IGNORECASE,
)
_CHANGING = {"update", "delete"}
_RESHAPING = {"drop_table", "drop_column", "alter_column", "rename_table"}
_SEES_EVERY_TABLE = {"sorted_tables", "whole_schema", "get_table_names", "reflect", "tables"}


_MIGRATIONS = "nurture.store.migrations.versions."


def changes(module: Module) -> list[str]:
    """Return the statements of a module that change consent records, or for all we know may."""
    return [f"line {node.lineno}: {ast.unparse(node)}" for node in _suspects(module)]


def _suspects(module: Module) -> Iterator[ast.expr | ast.stmt]:
    tables = _Tables(module)
    for function, node in _expressions(module.tree):
        if (module.name, function) == ERASURE or _goes_back(module, function):
            continue
        match node:
            case ast.Call(func=called, args=[target, *_]) if tables.is_statement(called):
                if tables.may_be_consents(target):
                    yield node
            case ast.Call(func=ast.Attribute(target, "update" | "delete")):
                if _last(target) == TABLE:
                    yield node
            case ast.Call(func=ast.Attribute(attr="on_conflict_do_update")) if tables.knows:
                yield node
            case ast.Call(func=ast.Attribute(attr=done), args=[ast.Constant(str(name)), *_]):
                if done in _RESHAPING and name == TABLE:
                    yield node
            case ast.With([ast.withitem(ast.Call(args=[ast.Constant("consents")]))], body):
                if any(_RESHAPING & {*_names(one)} for one in body):
                    yield node
            case ast.Constant(str(text)) if _writes_to(text):
                yield node
            case ast.JoinedStr(parts) if _writes_to(_with_gaps(parts)):
                yield node


def _goes_back(module: Module, function: str) -> bool:
    """Return whether this undoes a migration, which the program never does."""
    return module.name.startswith(_MIGRATIONS) and function == "downgrade"


class _Tables:
    """The tables that the names of a module stand for."""

    def __init__(self, module: Module) -> None:
        self._imported = dict(module.imports)
        self._written = dict(_written_out(module.tree))
        self._loops = dict(_loops(module.tree))
        own = {TABLE} & {*self._imported, *self._written, *_texts(module.tree)}
        #: Whether the module has the table of consent records, or every table, to hand.
        self.knows = bool(own or _SEES_EVERY_TABLE & {*_names(module.tree)})
        self._is_migration = module.name.startswith(_MIGRATIONS)

    def is_statement(self, called: ast.expr) -> bool:
        """Return whether this is SQLAlchemy's `update` or `delete`."""
        match called:
            case ast.Name(name):
                found = self._imported.get(name, "")
            case ast.Attribute(ast.Name(source), name):
                found = f"{self._imported.get(source, '')}.{name}"
            case _:
                return False
        return found.startswith("sqlalchemy.") and found.rpartition(".")[2] in _CHANGING

    def may_be_consents(self, target: ast.expr) -> bool:
        """Return whether a statement's table is that of consent records, or cannot be told."""
        match target:
            case ast.Name(name) if name in self._loops:
                return any(map(self.may_be_consents, self._loops[name]))
            case ast.Name(name) if name in self._written:
                return self._written[name] == TABLE
            case ast.Name(name) if self._imported.get(name, "").startswith("nurture.store."):
                return self._imported[name].endswith(f".{TABLE}")
            case ast.Attribute(ast.Name(source), name) if "nurture.store.tables." in (
                self._imported.get(source, "") + "."
            ):
                return name == TABLE
        # A migration names its tables itself, and one that never names this one has others.
        return self.knows or not self._is_migration


def _expressions(tree: ast.AST, function: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield every node but docstrings, each with the name of the function that it is in."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        inside = node.name if isinstance(node, Function) and not function else function
        yield inside, node
        yield from _expressions(node, inside)


def _written_out(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the names that stand for tables declared here, each with the table's own name."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign([ast.Name(name)], ast.Call(func, [ast.Constant(str(table)), *_])):
                if _last(func) in ("Table", "table"):
                    yield name, table


def _loops(tree: ast.AST) -> Iterator[tuple[str, Sequence[ast.expr]]]:
    for node in ast.walk(tree):
        match node:
            case ast.For(ast.Name(name), ast.Tuple(each)):
                yield name, each


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(name) | ast.Attribute(attr=name) | ast.alias(name=name):
                yield name


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Constant(str(text)):
                yield from re.findall(r"\w+", text)


def _with_gaps(parts: Sequence[ast.expr]) -> str:
    """Return a format string's own text, with nothing for each value."""
    return "".join(str(one.value) if isinstance(one, ast.Constant) else "" for one in parts)


def _writes_to(text: str) -> bool:
    """Return whether SQL in this text changes this table, or one that is filled in later."""
    return any(found["table"] in ("", TABLE) for found in _WRITES.finditer(text))


def _last(called: ast.expr) -> str:
    return ast.unparse(called).rpartition(".")[2]


def test_no_code_changes_or_removes_a_consent_record() -> None:
    assert offences(changes, modules()) == []


def test_only_one_statement_of_erasure_needs_the_exception() -> None:
    [personal] = [module for module in modules() if module.name == ERASURE[0]]
    [found] = changes(Module("nurture.store.elsewhere", personal.text))
    assert "update(table)" in found


_UPDATE = "from sqlalchemy import delete, update\n"
_IMPORTS = f"{_UPDATE}from nurture.store.tables.consents import consents\n"


@pytest.mark.parametrize(
    "source",
    [
        f"{_IMPORTS}update(consents).where(x)",
        f"{_IMPORTS}connection.execute(delete(consents))",
        f"{_IMPORTS}for each in (messages, consents): delete(each)",
        f"{_IMPORTS}consents.update().values(x=1)",
        f"{_IMPORTS}insert(consents).on_conflict_do_update(set_={{}})",
        f"{_UPDATE}from nurture.store.tables import consents\nupdate(consents.consents)",
        "import sqlalchemy as sa\nsa.delete(table)",
        f"{_UPDATE}def f(table): update(table)",
        f"{_UPDATE}rows = table('consents')\nupdate(rows)",
        "connection.execute(text('update consents set granted = true'))",
        "connection.exec_driver_sql('DELETE FROM consents')",
        "connection.exec_driver_sql(f'DELETE FROM {name}')",
        "op.drop_column('consents', 'wording')",
        "with op.batch_alter_table('consents', schema=None) as batch:\n    batch.drop_column('x')",
        "def downgrade():\n    op.drop_table('consents')",
    ],
)
def test_a_statement_that_changes_a_consent_record_is_detected(source: str) -> None:
    assert changes(Module("nurture.x", source)) != []


def test_a_migration_that_goes_through_all_tables_is_detected() -> None:
    source = "import sqlalchemy as sa\nfor t in whole_schema().sorted_tables: sa.delete(t)"
    assert changes(Module(f"{_MIGRATIONS}0099_x", source)) != []


def test_undoing_a_migration_is_accepted() -> None:
    source = "def downgrade():\n    op.drop_table('consents')"
    assert changes(Module(f"{_MIGRATIONS}0099_x", source)) == []


@pytest.mark.parametrize(
    "source",
    [
        f"{_IMPORTS}select(consents)\ninsert(consents)",
        f"{_UPDATE}from nurture.store.tables.events import events\nupdate(events)",
        f"{_UPDATE}from nurture.store.tables import events\ndelete(events.events)",
        "digest.update(consents_as_bytes)",
        "text('UPDATE subscribers SET quiet_since = created_at')",
        "with op.batch_alter_table('consents') as batch:\n    batch.create_index('x', ['y'])",
    ],
)
def test_reading_appending_and_other_tables_are_accepted(source: str) -> None:
    assert changes(Module("nurture.x", source)) == []
