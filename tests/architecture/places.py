"""Every place that must know a kind of step or a condition, read from a copy of the source.

What belongs to one layer only is said in one table, which cannot be incomplete. Where layers keep
things apart, these functions name each place that does not know one yet.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

MENU = "nurture/domain/audience/menu.py"

#: These join conditions, and have no place of their own in most of what is about single ones.
JOINING = {"All", "AnyOf", "Not"}

#: Where each condition must be named: the file, and the function or table in it (empty: anywhere).
CONDITION_PLACES = (
    ("nurture/domain/audience/conditions.py", ("holds", "_is")),
    ("nurture/domain/audience/words.py", ("_leaf",)),
    (MENU, ("_leaf",)),
    (MENU, ("_as_row",)),
    ("nurture/store/queries/segments.py", ("_Compiler",)),
    ("nurture/library/segments.py", ()),
    ("nurture/library/segment_writing.py", ("as_table",)),
    ("tests/people.py", ("_leaves",)),
)
#: Where each row of the studio's menus must be named; what is a yes or no has a table of its own.
ROW_PLACES = (
    (MENU, ("_leaf", "_ATTRIBUTES")),
    ("nurture/web/studio/segments/form.py", ("KINDS",)),
)
#: The notes on kinds of steps are in the sequences that have a form, where their owner needs them.
STEP_NOTES = ("pain-guide", "over-50-guide")


def missing_places(root: Path) -> list[str]:
    """Return what is to be added where, a sentence each."""
    found = [*_of_conditions(root), *_of_rows(root), *_of_spellings(root), *_of_step_kinds(root)]
    return sorted(found)


def _of_conditions(root: Path) -> Iterator[str]:
    for name in sorted(conditions(root) - JOINING):
        for place, parts in CONDITION_PLACES:
            if name not in _named(root / place, parts):
                yield f"add {name} to {' or '.join(parts) or 'what is read'} in {place}"

    file = root / "nurture/domain/audience/conditions.py"
    asked = _named(file, ("_is",)) & _classes(file)
    for name in sorted(asked - conditions(root)):
        yield f"add {name} to Condition in {file.relative_to(root)}"


def conditions(root: Path) -> set[str]:
    """Return the classes that `Condition` is one of."""
    tree = _parse(root / "nurture/domain/audience/conditions.py")
    [union] = [one for one in tree.body if _assigned(one) == "Condition"]
    return {node.id for node in ast.walk(union) if isinstance(node, ast.Name)} - {"Condition"}


def _of_rows(root: Path) -> Iterator[str]:
    for row in _members(root / MENU, "Kind"):
        for place, parts in ROW_PLACES:
            if f"Kind.{row}" not in _named(root / place, parts):
                yield f"add Kind.{row} to {' or '.join(parts)} in {place}"
    for place, parts in ROW_PLACES:
        yield from _not_members(root, MENU, "Kind", _named(root / place, parts))


def _of_spellings(root: Path) -> Iterator[str]:
    notes = _notes(root / "templates/emails/segments.toml")
    for spelling in _keys(root / "nurture/library/segments.py", "_LEAVES"):
        if not re.search(rf"\b{spelling}\b", notes):
            yield f"add {spelling} to the notes of templates/emails/segments.toml"


def _of_step_kinds(root: Path) -> Iterator[str]:
    place = "nurture/domain/sequences/sequence.py"
    kinds = _members(root / place, "StepKind")
    for member in kinds:
        if f"StepKind.{member}" not in _named(root / place, ("RULES",)):
            yield f"add StepKind.{member} to RULES in {place}"
    yield from _not_members(root, place, "StepKind", _named(root / place, ("RULES",)))
    begun = {"answer", "question"}  # These stand alone in sequences that say it themselves.
    for sequence in STEP_NOTES:
        file = f"templates/emails/{sequence}/sequence.toml"
        for word in sorted(set(kinds.values()) - begun):
            if f'"{word}"' not in _notes(root / file):
                yield f"add “{word}” to the notes of {file}"


def _not_members(root: Path, place: str, name: str, named: set[str]) -> Iterator[str]:
    members = _members(root / place, name)
    for one in sorted(word for word in named if word.startswith(f"{name}.")):
        if one.partition(".")[2] not in members:
            yield f"add {one} to {place}"


def _notes(file: Path) -> str:
    return "\n".join(line for line in file.read_text().splitlines() if line.startswith("#"))


def _classes(file: Path) -> set[str]:
    return {one.name for one in _parse(file).body if isinstance(one, ast.ClassDef)}


def _parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), str(file))


def _assigned(node: ast.AST) -> str:
    """The name that a statement defines: of a function, a class or a value."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return ""


def _named(file: Path, parts: tuple[str, ...]) -> set[str]:
    """Everything that those parts of a file name, `Kind.MEMBER` included; of all, without parts."""
    tree = _parse(file)
    wanted = [one for one in tree.body if not parts or _assigned(one) in parts]
    assert len({*map(_assigned, wanted)} & {*parts}) == len(parts), f"{file} has not all of {parts}"
    nodes = [node for one in wanted for node in ast.walk(one)]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    dotted = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    return names | dotted


def _members(file: Path, name: str) -> dict[str, str]:
    """The members of an enumeration with their words."""
    [found] = [one for one in _parse(file).body if _assigned(one) == name]
    assert isinstance(found, ast.ClassDef)
    return {
        _assigned(one): str(ast.literal_eval(one.value))
        for one in found.body
        if isinstance(one, ast.Assign)
    }


def _keys(file: Path, name: str) -> list[str]:
    [table] = [one for one in _parse(file).body if _assigned(one) == name]
    assert isinstance(table, ast.AnnAssign) and isinstance(table.value, ast.Dict)
    return [str(ast.literal_eval(key)) for key in table.value.keys if key]
