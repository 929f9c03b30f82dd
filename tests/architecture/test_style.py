"""Conventions of size and naming that keep the code readable."""

import ast
import re
from statistics import median, quantiles

import pytest

from tests.architecture.codebase import Definition, Function, Module, modules, offences

MODULES = modules()
FORBIDDEN_WORDS = re.compile(r"(^|_)(utils?|helpers?|managers?|handlers?|abstract)(_|$)")

#: Alembic's migrations are read once, from top to bottom, and have names of their own.
OURS = [module for module in MODULES if ".migrations." not in module.name]


def lines_of(function: Function) -> int:
    """Return how many lines a reader must take in, not counting decorators and docstring."""
    documented = ast.get_docstring(function) is not None
    docstring = function.body[0]
    spent = (docstring.end_lineno or 0) - docstring.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - spent


def undocumented(module: Module) -> list[str]:
    """Return the public top-level functions and classes of a module without docstrings."""
    return [
        node.name
        for node in module.tree.body
        if isinstance(node, Definition)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]


def forbidden_names(module: Module) -> list[str]:
    """Return meaningless names: of the module itself and of what it defines."""
    named = [module.name.rpartition(".")[2], *(node.name for node in module.definitions)]
    return [name for name in named if FORBIDDEN_WORDS.search(_in_snake_case(name))]


def _in_snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def test_a_module_is_under_four_hundred_lines() -> None:
    lengths = {module.name: len(module.text.splitlines()) for module in MODULES}
    assert {name: length for name, length in lengths.items() if length >= 400} == {}


def test_most_functions_are_under_thirty_lines_and_half_are_short() -> None:
    sizes = [lines_of(function) for module in OURS for function in module.functions]
    ninth_decile = quantiles(sizes, n=10, method="inclusive")[8]
    assert ninth_decile < 30
    assert median(sizes) <= 10


def test_everything_public_has_a_docstring() -> None:
    ours = [module for module in OURS if module.name.startswith("nurture")]
    assert offences(undocumented, ours) == []


def test_no_name_is_meaningless() -> None:
    assert offences(forbidden_names, MODULES) == []


def test_a_docstring_does_not_make_a_function_long() -> None:
    source = 'def f():\n    """One\n\n    two.\n    """\n    return 1\n'
    [function] = Module("example", source).functions
    assert lines_of(function) == 2


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("nurture.utils", ""),
        ("nurture.mail_helpers", ""),
        ("nurture.x", "class SessionManager: ..."),
        ("nurture.x", "class AbstractMailer: ..."),
        ("nurture.x", "class A:\n    def error_handler(self): ..."),
    ],
)
def test_a_meaningless_name_is_detected(name: str, source: str) -> None:
    assert forbidden_names(Module(name, source)) != []


def test_a_name_that_only_contains_such_a_word_is_accepted() -> None:
    source = "def handle(): ...\nclass Abstraction: ...\ndef utilise(): ..."
    assert forbidden_names(Module("nurture.x", source)) == []


def test_a_missing_docstring_is_detected() -> None:
    source = "def public(): ...\ndef _private(): ...\nclass Public:\n    def method(self): ..."
    assert undocumented(Module("nurture.x", source)) == ["public", "Public"]
