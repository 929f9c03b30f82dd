"""Format strings are the program's own: user input is only ever inserted into them."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.codebase import Module, modules, offences

#: Alembic's migrations hold no text but their own.
OURS = [module for module in modules() if ".migrations." not in module.name]

_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")
_LOGGING = {"debug", "info", "warning", "error", "exception", "critical"}


def made_of_input(module: Module) -> list[str]:
    """Return every use of a format string that is neither a literal nor a constant."""
    return [f"line {node.lineno}: {ast.unparse(node)}" for node in _suspects(module.tree)]


def _suspects(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(ast.JoinedStr(), "format" | "format_map"):
                yield node
            case ast.Call(func=ast.Attribute(value, "format" | "format_map")):
                if not _is_ours(value):
                    yield node
            case ast.Call(func=ast.Attribute(value, called), args=[first, *_]):
                logs = called in _LOGGING and "log" in ast.unparse(value)
                if (logs or called == "strftime") and not _is_ours(first):
                    yield node
            case ast.Call(func=ast.Name("format" | "Template")):
                yield node
            case ast.FormattedValue(format_spec=ast.JoinedStr(values)):
                if not all(isinstance(one, ast.Constant) for one in values):
                    yield node
            case ast.BinOp(left=left, op=ast.Mod()) if _may_be_text(left):
                yield node


def _is_ours(text: ast.expr) -> bool:
    """Return whether it is a literal, a module's constant or a member of one."""
    match text:
        case ast.Constant(str()):
            return True
        case ast.Name(name):
            return bool(_CONSTANT.fullmatch(name))
        case ast.Subscript(value=value):
            return _is_ours(value)
    return False


def _may_be_text(left: ast.expr) -> bool:
    """Return whether the left side of `%` may be text rather than a number.

    Bytes and literal texts are the program's own.
    """
    return isinstance(left, ast.JoinedStr | ast.Subscript) or (
        isinstance(left, ast.Name) and not _CONSTANT.fullmatch(left.id) and left.id in _TEXTS
    )


#: What a text is called here; everything else that is divided is a number.
_TEXTS = {"said", "text", "message", "words", "form", "detail", "subject", "sentence", "line"}


def test_a_format_string_never_comes_from_input() -> None:
    assert offences(made_of_input, OURS) == []


@pytest.mark.parametrize(
    "source",
    [
        "said.format(1)",
        "(a + b).format(x=1)",
        "'…'.join(found).format(1)",
        "error.msg.format_map({})",
        "f'{typed} {{}}'.format(1)",
        "table['x'].format(1)",
        "place_of = f'{typed}, line {{}}'.format",
        "format(value, spec)",
        "f'{value:{width}}'",
        "moment.strftime(pattern)",
        "_log.warning(said)",
        "app.logger.error(f'{path} failed')",
        "said % 1",
        "string.Template(text) or Template(text)",
    ],
)
def test_a_format_string_from_input_is_detected(source: str) -> None:
    assert made_of_input(Module("nurture.x", source)) != []


@pytest.mark.parametrize(
    "source",
    ["'{}'.format(said)", "_SAID.format(said)", "_SAID[kind].format(said)", "f'{n:,}'", "a % 7"],
)
def test_a_constant_format_string_is_accepted(source: str) -> None:
    assert made_of_input(Module("nurture.x", source)) == []
