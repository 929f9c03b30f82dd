"""The program's own source, parsed, for the tests that read it."""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("nurture", "tasks", "webhooks")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@dataclass(frozen=True)
class Module:
    """One source file; `name` is its import name."""

    name: str
    text: str
    is_package: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text, self.name)

    @property
    def functions(self) -> Iterator[Function]:
        """Yield every function and method, including nested ones."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    @property
    def definitions(self) -> Iterator[Definition]:
        """Yield every function, method and class, including nested ones."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Definition))

    @property
    def imports(self) -> Iterator[tuple[str, str]]:
        """Yield everything imported, as (its name in this module, its full dotted name)."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    known_as = alias.asname or alias.name.partition(".")[0]
                    yield known_as, alias.name if alias.asname else known_as
                    # `import a.b` binds `a` and yet depends on `a.b`.
                    yield alias.name, alias.name
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield alias.asname or alias.name, f"{self._source(node)}.{alias.name}"

    def _source(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        steps_up = node.level - self.is_package
        package = self.name.rsplit(".", steps_up)[0] if steps_up else self.name
        return f"{package}.{node.module}" if node.module else package


def modules(*packages: str) -> list[Module]:
    """Return every module of these packages, or of the whole program if none is named."""
    return [
        _module(path)
        for package in packages or PACKAGES
        for path in sorted((ROOT / package.replace(".", "/")).rglob("*.py"))
    ]


def belongs_to(name: str, package: str) -> bool:
    """Return whether this dotted name is the package or something inside it."""
    return name == package or name.startswith(f"{package}.")


def offences(found: Callable[[Module], list[str]], searched: Iterable[Module]) -> list[str]:
    """Return all that is found in these modules, each with the module's name."""
    return [f"{module.name}: {one}" for module in searched for one in found(module)]


# Every rule reads the same modules, and each is parsed once.
@cache
def _module(path: Path) -> Module:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    is_package = path.name == "__init__.py"
    return Module(name.removesuffix(".__init__"), path.read_text(), is_package)
