"""Owner-written templates: a small, safe part of Jinja.

Templates are untrusted. Jinja's sandbox restricts attributes and calls but not time or memory,
so only what an email needs is allowed at all: values, conditionals and comparisons; no loops,
no arithmetic, no calls.
"""

from collections.abc import Iterator
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from nurture.domain.errors import NurtureError

#: Values that differ between people. They may be printed and tested, but not computed with.
PERSONAL = frozenset(
    {
        "confirm_url",
        "first_name",
        "guide_url",
        "is_followed",
        "preferences_url",
        "unsubscribe_url",
        "why_sent",
        "why_url",
    }
)

#: Values that are the same for everyone who gets the revision.
SHARED = frozenset(
    {
        "article_title",
        "article_url",
        "blog_url",
        "booking_url",
        "guide_title",
        "practice",
        "preheader",
        "subject",
        "website_url",
    }
)

_PRACTICE_FIELDS = frozenset(
    {"name", "owner", "address_line", "phone", "email", "disclosure", "website_url"}
)
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.If,
    nodes.CondExpr,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Compare,
    nodes.Operand,
    nodes.Const,
    nodes.Concat,
    nodes.Filter,
)
_FILTERS = frozenset({"default", "d"})


class TemplateError(NurtureError):
    """A template uses something not allowed in emails; `line` says where."""

    def __init__(self, message: str, *, line: int, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.line = line


def environment(*, autoescape: bool) -> ImmutableSandboxedEnvironment:
    """Return the sandbox in which templates run; HTML is escaped, plain text is not."""
    env = ImmutableSandboxedEnvironment(
        autoescape=autoescape, undefined=StrictUndefined, keep_trailing_newline=True
    )
    env.globals.clear()
    return env


_HTML, _TEXT = environment(autoescape=True), environment(autoescape=False)


@lru_cache(maxsize=128)
def compile_template(source: str, *, html: bool) -> Template:
    """Compile a template that `refuse_what_mails_do_not_need` has accepted."""
    # Each shape that an email can have is rendered from the same templates.
    return (_HTML if html else _TEXT).from_string(source)


def refuse_what_mails_do_not_need(source: str) -> None:
    """Raise `TemplateError` at the first thing in a template that is not allowed."""
    try:
        for node in _nodes(_TEXT.parse(source)):
            _refuse(node)
    except TemplateSyntaxError as error:
        raise TemplateError(f"{error.message}", line=error.lineno) from None
    except (RecursionError, ValueError):
        raise TemplateError("it nests too deep, or holds too long a number.", line=1) from None


def unguarded_lines(source: str, name: str) -> list[int]:
    """Return the lines that print a value without testing it; none if the template is invalid."""
    try:
        return list(_unguarded(_TEXT.parse(source), name))
    except (TemplateSyntaxError, RecursionError, ValueError):
        return []


def _unguarded(node: nodes.Node, name: str) -> Iterator[int]:
    if isinstance(node, (nodes.If, nodes.CondExpr)) and _names(node.test, name):
        return
    if isinstance(node, nodes.Or) or (isinstance(node, nodes.Filter) and node.name in _FILTERS):
        return
    if isinstance(node, nodes.Name) and node.name == name:
        yield node.lineno
    for child in node.iter_child_nodes():
        yield from _unguarded(child, name)


def _names(node: nodes.Node, name: str) -> bool:
    return any(isinstance(one, nodes.Name) and one.name == name for one in _nodes(node))


def _nodes(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the node and all below it; a node without a line number gets its parent's."""
    yield node
    for child in node.iter_child_nodes():
        child.lineno = child.lineno or _line_below(child) or node.lineno
        yield from _nodes(child)


def _line_below(node: nodes.Node) -> int:
    return next((below.lineno for below in node.find_all(nodes.Node) if below.lineno), 0)


def _refuse(node: nodes.Node) -> None:
    if isinstance(node, nodes.Name):
        return _refuse_name(node)
    if isinstance(node, nodes.Getattr):
        return _refuse_attribute(node)
    if isinstance(node, nodes.Filter):
        return _refuse_filter(node)
    if isinstance(node, nodes.Compare):
        return _refuse_computing_with_people(node)
    if isinstance(node, _ALLOWED):
        return
    raise TemplateError(
        f"“{type(node).__name__}” is not possible in an email.",
        line=node.lineno,
        remedy="Use {{ a value }} and {% if … %} only.",
    )


def _refuse_name(node: nodes.Name) -> None:
    if node.name not in PERSONAL | SHARED:
        known = ", ".join(sorted(PERSONAL | SHARED))
        raise TemplateError(
            f"there is no value “{node.name}”.", line=node.lineno, remedy=f"There are: {known}."
        )


def _refuse_attribute(node: nodes.Getattr) -> None:
    of_practice = isinstance(node.node, nodes.Name) and node.node.name == "practice"
    if not of_practice or node.attr not in _PRACTICE_FIELDS:
        known = ", ".join(f"practice.{name}" for name in sorted(_PRACTICE_FIELDS))
        raise TemplateError(
            f"there is no value “….{node.attr}”.", line=node.lineno, remedy=f"There are: {known}."
        )


def _refuse_filter(node: nodes.Filter) -> None:
    if node.name not in _FILTERS:
        raise TemplateError(
            f"the filter “{node.name}” is not possible in an email.",
            line=node.lineno,
            remedy="Only default(…) is.",
        )


def _refuse_computing_with_people(node: nodes.Compare) -> None:
    named = {n.name for n in _nodes(node) if isinstance(n, nodes.Name)}
    if named & PERSONAL:
        raise TemplateError(
            f"“{(named & PERSONAL).pop()}” cannot be compared with anything.",
            line=node.lineno,
            remedy="Test whether it is there, as in {% if first_name %}.",
        )
