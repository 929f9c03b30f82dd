"""Finding where code reads the clock, under whatever name it was imported."""

import ast
from typing import TypeGuard

from tests.architecture.codebase import Module

#: Real-time timeouts for input and output may use `time.monotonic` and `time.sleep`.
READERS = frozenset(
    {
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.datetime.today",
        "datetime.date.today",
        "time.time",
        "time.time_ns",
        "time.localtime",
        "time.gmtime",
        "time.ctime",
        "time.asctime",
        "time.strftime",
        "time.clock_gettime",
        "time.clock_gettime_ns",
        # These read the clock behind the caller's back.
        "email.utils.formatdate",
        "email.utils.localtime",
        "email.utils.make_msgid",
        "uuid.uuid1",
        # The database's clock is a clock as well.
        "sqlalchemy.func.now",
        "sqlalchemy.func.current_timestamp",
        "sqlalchemy.func.current_date",
        "sqlalchemy.func.current_time",
    }
)


def clock_readings(module: Module) -> list[str]:
    """Return each place where the module names a clock function, as "line 7: time.time"."""
    names = _Names(dict(module.imports))
    names.learn_assignments(module.tree)
    found = [
        (node.lineno, reader)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.expr | ast.ImportFrom)
        for reader in _readers_named_by(node, names)
    ]
    return [f"line {line}: {reader}" for line, reader in sorted(set(found))]


class _Names:
    """What the names in a module refer to, as full dotted names."""

    def __init__(self, known: dict[str, str]) -> None:
        self._known = known

    def learn_assignments(self, tree: ast.Module) -> None:
        """Follow `D = datetime.datetime` and the like, including chains of such assignments."""
        before = -1
        while before != len(self._known):
            before = len(self._known)
            for node in ast.walk(tree):
                if isinstance(node, ast.Assign) and (meaning := self.meaning(node.value)):
                    for target in node.targets:
                        if isinstance(target, ast.Name):
                            self._known.setdefault(target.id, meaning)

    def meaning(self, node: ast.expr) -> str:
        """Return the full dotted name of an expression, or an empty string if it has none."""
        if isinstance(node, ast.Name):
            return self._known.get(node.id, "")
        if isinstance(node, ast.Attribute):
            return self._member(node.value, node.attr)
        if isinstance(node, ast.Call) and self._is_getattr(node):
            name = node.args[1]
            return self._member(node.args[0], str(name.value) if _is_text(name) else "")
        return ""

    def _member(self, owner: ast.expr, name: str) -> str:
        meaning = self.meaning(owner)
        return f"{meaning}.{name}" if meaning and name else ""

    @staticmethod
    def _is_getattr(node: ast.Call) -> bool:
        return isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) > 1


def _readers_named_by(node: ast.expr | ast.ImportFrom, names: _Names) -> frozenset[str]:
    if isinstance(node, ast.ImportFrom):
        return READERS & {f"{node.module}.{alias.name}" for alias in node.names}
    return READERS & {names.meaning(node)}


def _is_text(node: ast.expr) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
