"""The tests' own conventions: what they share, how they patch, and that every assertion runs."""

import ast
from collections.abc import Iterator, Sequence

import pytest

from tests.architecture.codebase import Function, Module, modules, offences
from tests.presence import at_least_one

TESTS = modules("tests")

#: What has as many as its arguments have.
_AS_MANY = {"enumerate", "sorted", "reversed", "list", "tuple", "set", "zip", "product"}

_ENDS = ast.Return | ast.Continue | ast.Break | ast.Raise


def borrowed(module: Module) -> list[str]:
    """Return what a module imports from modules of tests, instead of from what tests share."""
    return [full for _, full in module.imports if ".test_" in f".{full}"]


def patched_by_text(module: Module) -> list[str]:
    """Return the patches whose place is a dotted string, which a rename would not find."""
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("setattr", "delattr", "patch")
        and node.args
        and isinstance(node.args[0], ast.Constant | ast.JoinedStr)
    ]


def sometimes_asserted(module: Module) -> list[str]:
    """Return the conditions and loops without which some assertion never runs.

    A condition is accepted if both ways assert, and a loop if it is certain to go round. In a
    property, `all(…)` may speak of nothing: other examples have something.
    """
    return [
        f"line {node.lineno}: {ast.unparse(node).splitlines()[0]}"
        for function in module.functions
        for node in _conditions(function)
    ]


def _conditions(function: Function) -> Iterator[ast.stmt]:
    is_property = any("given" in ast.unparse(one) for one in function.decorator_list)
    for node in _inside(function.body):
        match node:
            case ast.If():
                one, other = node.body, node.orelse or _after(node, function)
                if any(_asserts(a) and not _insists(b) for a, b in ((one, other), (other, one))):
                    yield node
            case ast.For(iter=each, body=body) if _asserts(body):
                if not _is_certain(each, function, node):
                    yield node
            case ast.Try(handlers=handlers) if any(_asserts(one.body) for one in handlers):
                ways = [node.body + node.orelse, *(one.body for one in handlers)]
                if not all(map(_insists, ways)):
                    yield node
            case ast.With(items, body) if _asserts(body):
                if any("suppress(" in ast.unparse(one) for one in items):
                    yield node
            case ast.Assert(test) if not is_property:
                if not all(_is_certain(each, function, node) for each in _all_of(test)):
                    yield node


def _inside(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Yield all nodes but those of inner functions, which are read as functions."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, Function | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))


def _after(condition: ast.If, function: Function) -> Sequence[ast.stmt]:
    """Return what happens only if the condition does not hold, as its body ends or leaves."""
    if not isinstance(condition.body[-1], _ENDS):
        return []
    blocks = [
        block
        for node in (function, *_inside(function.body))
        for block in (getattr(node, "body", None), getattr(node, "orelse", None))
        if isinstance(block, list) and condition in block
    ]
    return [one for block in blocks for one in block[block.index(condition) + 1 :]]


def _asserts(body: Sequence[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Assert) for node in _inside(body))


def _insists(body: Sequence[ast.stmt]) -> bool:
    """Return whether this way asserts as well, fails or skips the test."""
    calls = {ast.unparse(node.func) for node in _inside(body) if isinstance(node, ast.Call)}
    fails = any(isinstance(node, ast.Assert | ast.Raise) for node in _inside(body))
    return fails or not calls.isdisjoint({"pytest.fail", "pytest.raises", "pytest.skip"})


def _all_of(test: ast.expr) -> Iterator[ast.expr]:
    """Yield what is gone through by `all(…)` and `not any(…)`, as parts of a test."""
    match test:
        case ast.BoolOp(_, parts):
            yield from (one for part in parts for one in _all_of(part))
        case ast.Call(ast.Name("all"), [ast.GeneratorExp(_, [each, *_])]) | ast.UnaryOp(
            ast.Not(), ast.Call(ast.Name("any"), [ast.GeneratorExp(_, [each, *_])])
        ):
            yield each.iter


def _is_certain(many: ast.expr, function: Function, node: ast.stmt) -> bool:
    """Return whether there is at least one, as can be read in this function."""
    before = (one for one in _inside(function.body) if isinstance(one, ast.stmt))
    return _is_written_out(many) or any(
        _proves(one, ast.unparse(many)) for one in before if one.lineno < node.lineno
    )


def _is_written_out(many: ast.expr) -> bool:
    match many:
        case ast.Tuple(elements) | ast.List(elements) | ast.Set(elements):
            return any(
                not isinstance(one, ast.Starred) or _is_written_out(one.value) for one in elements
            )
        case ast.Dict(keys):
            return bool(keys)
        case ast.Constant(str(text)):
            return bool(text)
        # A constant is written out where it is defined, and so are the members of a class.
        case ast.Name(name) | ast.Attribute(attr=name):
            return name.lstrip("_")[:1].isupper()
        case ast.Subscript(value):
            return _is_written_out(value)
        case ast.BinOp(left, ast.Add() | ast.BitOr(), right):
            return _is_written_out(left) or _is_written_out(right)
        case ast.ListComp(_, [each]) | ast.GeneratorExp(_, [each]) | ast.DictComp(_, _, [each]):
            return not each.ifs and _is_written_out(each.iter)
        case ast.Call(ast.Name("at_least_one" | "range")):
            return True
        case ast.Call(ast.Name(name), args) if name in _AS_MANY:
            return bool(args) and all(map(_is_written_out, args))
        case ast.Call(ast.Attribute(value, "items" | "values" | "keys"), []):
            return _is_written_out(value)
        # A text that is split at something has one part at least.
        case ast.Call(ast.Attribute(attr="split"), [_]):
            return True
    return False


def _proves(statement: ast.stmt, many: str) -> bool:
    """Return whether a statement fails if there is nothing of that name."""
    match statement:
        case ast.Assign([ast.List(parts) | ast.Tuple(parts)], value):
            taken = [one for one in parts if not isinstance(one, ast.Starred)]
            return bool(taken) and ast.unparse(value) == many
        case ast.Assert(ast.BoolOp(ast.And(), parts)):
            return any(_says(one, many) for one in parts)
        case ast.Assert(test):
            return _says(test, many)
    return False


def _says(test: ast.expr, many: str) -> bool:
    """Return whether a test says that there is something, or how much or what it is."""
    match test:
        case ast.Compare(left, ops, others):
            sides = [left, *others]
            counts = any(f"len({many})" == ast.unparse(one) for one in sides)
            if ast.unparse(others[-1]) == many and isinstance(ops[-1], ast.In):
                return True
            is_it = any(ast.unparse(one) == many for one in sides)
            equal = all(isinstance(one, ast.Eq) for one in ops)
            return equal and (counts or is_it) and any(map(_is_something, sides))
    return ast.unparse(test) == many


def _is_something(side: ast.expr) -> bool:
    match side:
        case ast.Constant(int(number)):
            return number > 0
        case ast.BinOp(_, ast.Mult(), ast.Constant(int(number))):
            return number > 0
    return _is_written_out(side)


def test_no_module_imports_from_a_module_of_tests() -> None:
    assert offences(borrowed, TESTS) == []


def test_every_patch_names_an_object() -> None:
    assert offences(patched_by_text, TESTS) == []


def test_every_assertion_always_runs() -> None:
    assert offences(sometimes_asserted, TESTS) == []


@pytest.mark.parametrize(
    "source",
    [
        "from tests.web.test_pages import press",
        "from tests.web import test_pages",
        "import tests.web.test_pages",
        "def f():\n    from tests.web.test_pages import press",
        "from .test_pages import press",
    ],
)
def test_an_import_from_a_module_of_tests_is_detected(source: str) -> None:
    assert borrowed(Module("tests.web.test_studio", source)) != []


def test_an_import_of_what_tests_share_is_accepted() -> None:
    source = "import pytest\nfrom tests.vocabulary import ANN\nfrom tests.faults import workers"
    assert borrowed(Module("tests.web.test_studio", source)) == []


@pytest.mark.parametrize(
    ("source", "is_detected"),
    [
        ("monkeypatch.setattr('nurture.clock._READS', 3)", True),
        ("monkeypatch.setattr(f'{here}._READS', 3)", True),
        ("mocker.patch('nurture.clock.clock_from')", True),
        ("monkeypatch.setattr(clock, '_READS', 3)", False),
        ("monkeypatch.setenv('NURTURE_CLOCK', 'x')", False),
    ],
)
def test_a_patch_by_dotted_string_is_detected(source: str, is_detected: bool) -> None:
    assert bool(patched_by_text(Module("tests.test_x", source))) is is_detected


def found_in(*lines: str, decorator: str = "") -> list[str]:
    """Return what is detected in a test that consists of these lines."""
    body = "".join(f"    {line}\n" for line in lines)
    return sometimes_asserted(Module("tests.test_x", f"{decorator}\ndef test_x(rows):\n{body}"))


@pytest.mark.parametrize(
    "lines",
    [
        ["if rows: assert rows[0]"],
        ["if rows: pass", "else: assert not rows"],
        ["if rows: assert rows[0]", "elif other: assert other"],
        ["if rows:", "    if other: assert other", "else:", "    assert rows == []"],
        ["if not rows: return", "assert rows[0]"],
        ["for row in rows: assert row"],
        ["for row in rows:", "    if not row: continue", "    assert row.id"],
        ["assert rows == []", "for row in rows: assert row"],
        ["assert one not in rows", "for row in rows: assert row"],
        ["assert len(rows) == 0", "for row in rows: assert row"],
        ["for row in rows: assert row", "assert rows"],
        ["for row in []: assert row"],
        ["for row in [*rows]: assert row"],
        ["for row in [row for row in (1, 2) if row > 2]: assert row"],
        ["for a, b in zip((1, 2), rows): assert a == b"],
        ["for a, b in pairwise(ROWS): assert a < b"],
        ["with db.reading():", "    for row in rows: assert row"],
        ["assert all(row.id for row in rows)"],
        ["assert not any(row.id for row in rows)"],
        ["assert done and all(row.id for row in rows)"],
        ["try: run()", "except OSError as error: assert error.errno"],
        ["with suppress(OSError):", "    assert run()"],
        ["def inner():", "    if rows: assert rows[0]"],
    ],
    ids="; ".join,
)
def test_an_assertion_that_runs_only_sometimes_is_detected(lines: list[str]) -> None:
    assert found_in(*lines) != []


@pytest.mark.parametrize(
    "lines",
    [
        ["if rows: assert rows[0]", "else: assert other"],
        ["if rows: assert rows[0]", "else: pytest.fail('none')"],
        ["if rows:", "    assert rows[0]", "    return", "assert other"],
        ["if rows: other.append(1)", "assert rows == other"],
        ["assert rows", "for row in rows: assert row"],
        ["assert done and rows", "for row in rows: assert row"],
        ["assert len(rows) == 2", "for row in rows: assert row"],
        ["assert 'a' in rows", "assert all(row for row in rows)"],
        ["first, *_ = rows", "for row in rows: assert row"],
        ["for row in at_least_one(rows): assert row"],
        ["for row in (1, 2): assert row"],
        ["for row in [*rows, 1]: assert row"],
        ["for number, row in enumerate(ROWS): assert row"],
        ["for kind in EventKind: assert kind"],
        ["for name, row in {'a': 1}.items(): assert row"],
        ["for _ in range(3): assert run()"],
        ["for row in rows: run(row)", "assert done"],
        ["assert all(row.id for row in at_least_one(rows))"],
        ["assert [row for row in rows if not any(row is one for one in known)] == []"],
        ["try: run()", "except OSError as error: assert error", "else: assert done"],
        ["with suppress(OSError):", "    run()", "assert done"],
    ],
    ids="; ".join,
)
def test_an_assertion_that_always_runs_is_accepted(lines: list[str]) -> None:
    assert found_in(*lines) == []


def test_a_property_may_say_all_of_nothing_but_not_loop_over_it() -> None:
    assert found_in("assert all(row for row in rows)", decorator="@given(st.lists(x))") == []
    assert found_in("for row in rows: assert row", decorator="@given(st.lists(x))") != []


def test_nothing_is_not_at_least_one() -> None:
    assert list(at_least_one((1, 2))) == [1, 2]
    with pytest.raises(AssertionError, match="nothing to check"):
        list(at_least_one(()))
