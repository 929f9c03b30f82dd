"""What each MJML component allows, as read from `mjml_components.json`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).with_name("mjml_components.json")


@dataclass(frozen=True, slots=True)
class Component:
    """One component.

    `attributes` gives each attribute's value type as spelt in the table; `holds` is `elements`,
    `html`, `text` or `nothing`. The compiler calculates with the values of `computed`, and does
    not use those of `ignored`.
    """

    name: str
    parents: tuple[str, ...]
    holds: str
    attributes: Mapping[str, str]
    computed: frozenset[str]
    ignored: frozenset[str]


@cache
def components() -> Mapping[str, Component]:
    """Return every MJML component by its name."""
    table = _table()
    everywhere = dict.fromkeys(table["everywhere"].split(), "string")
    found = {name: _component(name, row, everywhere) for name, row in table["components"].items()}
    return found | {name: _of_any_kind(found, name) for name in ("mj-all", "mj-class")}


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_TABLE.read_text("utf-8"))
    return table


def _component(name: str, row: dict[str, Any], everywhere: dict[str, str]) -> Component:
    own = {each: kind for kind, names in row["attributes"].items() for each in names.split()}
    parents = tuple(row["parents"].split())
    shown = name == "mj-body" or not {"mjml", "mj-head"}.intersection({name, *parents})
    return Component(
        name=name,
        parents=parents,
        holds=row["holds"],
        attributes={**own, **everywhere} if shown else own,
        computed=frozenset(row.get("computed", "").split()) | {"mj-class"},
        ignored=frozenset(row.get("ignored", "").split()),
    )


def _of_any_kind(found: Mapping[str, Component], name: str) -> Component:
    """Let `<mj-all>` and `<mj-class>` accept the attributes of every component, of any type."""
    rows = [row for row in found.values() if "mj-head" not in row.parents]
    every = {attribute: "string" for row in rows for attribute in row.attributes}
    own = found[name]
    computed = frozenset().union(*(row.computed for row in rows))
    attributes = {**every, **own.attributes}
    return Component(name, own.parents, own.holds, attributes, computed, own.ignored)


_UNIT = re.compile(r"unit(WithNegative)?\(([^)]*)\)(\{1,4\})?")
_NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)"
_COLOUR = re.compile(r"#[0-9a-f]{3}|#[0-9a-f]{6}|(?:rgb|hsl)a?\([0-9.,%\s/]+\)", re.IGNORECASE)
_COLOUR_WORDS = frozenset({"transparent", "none", "inherit", "initial", "currentcolor"})


def expected_value(kind: str, value: str) -> str:
    """Describe what a value of this type looks like; empty if the value is valid."""
    if kind == "color":
        return "" if _is_colour(value) else "a colour such as #1f4e5f"
    if kind.startswith("enum("):
        choices = kind[5:-1].split(",")
        return "" if value in choices else "one of " + ", ".join(filter(None, choices))
    if kind == "boolean":
        return "" if value in ("true", "false") else "true or false"
    if kind == "integer":
        return "" if value.isdecimal() else "a whole number"
    if unit := _UNIT.fullmatch(kind):
        return _expected_length(unit, value)
    return ""


def _is_colour(value: str) -> bool:
    word = value.strip().lower()
    return word in _COLOUR_WORDS | _colour_names() or bool(_COLOUR.fullmatch(word))


@cache
def _colour_names() -> frozenset[str]:
    return frozenset(" ".join(_table()["colours"]).split())


def _expected_length(unit: re.Match[str], value: str) -> str:
    units = unit[2].split(",")
    words = value.split()
    most = 4 if unit[3] else 1
    if 1 <= len(words) <= most and all(_is_length(word, units, unit[1]) for word in words):
        return ""
    measures = [f"10{u}" if u != "auto" else u for u in units]
    return " or ".join(measures) + (", up to four of them" if most == 4 else "")


def _is_length(word: str, units: list[str], may_be_negative: str | None) -> bool:
    if word == "0" or (word == "auto" and "auto" in units):
        return True
    sign = "-?" if may_be_negative else ""
    endings = "|".join(re.escape(u) for u in units if u != "auto")
    return bool(re.fullmatch(rf"{sign}{_NUMBER}(?:{endings})", word))
