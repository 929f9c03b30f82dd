"""Rows of `messages` are written in one module, so that a rule about all of them has one place."""

import ast
import re

import pytest

from tests.architecture.codebase import Module, modules, offences

THE_ONE = "nurture.store.tables.message_changes"

TABLE = "nurture.store.tables.messages.messages"

#: Which write to tables that they are given or find, those of messages among them.
GENERIC = {
    # Erases a person from every table that has rows about them, tables to come included.
    "nurture.store.personal": ["update(table)"],
    # Puts a backup's rows back into tables as they were then.
    "nurture.store.portable": ["insert(_plain(name, columns))"],
    # Adds rows of the table that the caller names; the callers are looked at as well.
    "nurture.store.database": ["insert(table)"],
    # Does the same to its two tables, those of suppressions and of lifted ones.
    "nurture.store.tables.suppressions": ["insert(table)", "delete(table)", "update(table)"],
}

_WRITES = ("insert", "update", "delete", "insert_new")
_IN_WORDS = re.compile(r"\b(insert\s+into|update|delete\s+from)\s+\"?messages\b", re.IGNORECASE)

#: Migrations write to tables as they were at their time, in words of that time.
OURS = [module for module in modules() if ".migrations." not in module.name]


def writes_to_messages(module: Module) -> list[str]:
    """Every statement of a module that writes to `messages`."""
    names = dict(module.imports)
    named = [ast.unparse(call) for call, table in _writes(module) if _full(table, names) == TABLE]
    return named + [text for text in _texts(module) if _IN_WORDS.search(text)]


def generic_writes(module: Module) -> list[str]:
    """Every statement of a module that writes to a table which is only known when it runs."""
    constants = {
        name.id
        for statement in module.tree.body
        if isinstance(statement, ast.Assign)
        for name in statement.targets
        if isinstance(name, ast.Name)
    }
    known = constants | {name for name, _ in module.imports}
    return [
        f"{_name_of(call)}({ast.unparse(table)})"
        for call, table in _writes(module)
        if not isinstance(table, ast.Attribute) and ast.unparse(table) not in known
    ]


def _writes(module: Module) -> list[tuple[ast.Call, ast.expr]]:
    """Each call that makes such a statement, with the expression for its table."""
    imported, found = {name for name, _ in module.imports}, []
    for call in (node for node in ast.walk(module.tree) if isinstance(node, ast.Call)):
        if _name_of(call) == "insert_new" and len(call.args) > 1:
            found.append((call, call.args[1]))
        elif _is_of_sqlalchemy(call, imported) and len(call.args) == 1 and not call.keywords:
            found.append((call, call.args[0]))
        elif _name_of(call) in _WRITES and isinstance(call.func, ast.Attribute) and not call.args:
            found.append((call, call.func.value))
    return found


def _is_of_sqlalchemy(call: ast.Call, imported: set[str]) -> bool:
    """Whether it is one of SQLAlchemy's functions, rather than the method of a set or a digest."""
    if isinstance(call.func, ast.Attribute) and call.func.attr != "insert":
        return call.func.attr in _WRITES and ast.unparse(call.func.value) in imported
    return _name_of(call) in _WRITES


def _name_of(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _full(table: ast.expr, names: dict[str, str]) -> str:
    """The full dotted name of an expression, as far as the imports tell it."""
    first, *rest = ast.unparse(table).split(".")
    return ".".join([names.get(first, first), *rest])


def _texts(module: Module) -> list[str]:
    constants = (node for node in ast.walk(module.tree) if isinstance(node, ast.Constant))
    return [one.value for one in constants if isinstance(one.value, str)]


def test_messages_are_written_in_one_module_alone() -> None:
    others = [module for module in OURS if module.name != THE_ONE]
    assert offences(writes_to_messages, others) == []


def test_the_one_module_is_where_they_are_written() -> None:
    [the_one] = [module for module in OURS if module.name == THE_ONE]
    assert len(writes_to_messages(the_one)) > 10


def test_modules_that_write_to_any_table_are_listed() -> None:
    store = [module for module in OURS if module.name.startswith("nurture.store")]
    found = {module.name: generic_writes(module) for module in store}
    assert {name: said for name, said in found.items() if said} == GENERIC


_IMPORTED = "from nurture.store.tables.messages import messages\n"


@pytest.mark.parametrize(
    "source",
    [
        f"{_IMPORTED}connection.execute(update(messages).where(x).values(status='sent'))",
        f"{_IMPORTED}connection.execute(insert(messages), rows)",
        f"import sqlalchemy\n{_IMPORTED}connection.execute(sqlalchemy.delete(messages))",
        f"{_IMPORTED}(sqlite if here else postgresql).insert(messages).values(row)",
        f"{_IMPORTED}connection.execute(messages.update().values(reason=''))",
        f"{_IMPORTED}insert_new(connection, messages, rows)",
        "from nurture.store.tables.messages import messages as ledger\ndelete(ledger)",
        "from nurture.store.tables import messages\nupdate(messages.messages)",
        "import nurture.store.tables.messages\nupdate(nurture.store.tables.messages.messages)",
        "text('UPDATE messages SET status = 1')",
        "text('insert into messages (id) values (1)')",
        'text("DELETE FROM messages")',
    ],
)
def test_another_writer_would_be_noticed(source: str) -> None:
    assert writes_to_messages(Module("nurture.store.example", source)) != []


@pytest.mark.parametrize(
    "source",
    [
        f"{_IMPORTED}select(messages.c.id)",
        f"{_IMPORTED}update(enrolments).where(enrolments.c.id.in_(select(messages.c.enrolment_id)))",
        "digest.update(messages)",
        "text('SELECT * FROM messages')",
    ],
)
def test_reading_is_left_alone(source: str) -> None:
    assert writes_to_messages(Module("nurture.store.example", source)) == []


def test_a_write_to_any_table_would_be_noticed() -> None:
    source = "def put(table, row):\n    connection.execute(insert(table).values(row))"
    assert generic_writes(Module("nurture.store.example", source)) == ["insert(table)"]
