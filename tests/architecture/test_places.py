"""Every place knows each condition and each kind of step, and one table says the rest."""

import ast

from nurture.domain.sequences.sequence import RULES, StepKind
from nurture.web.studio.segments.form import KINDS
from tests.architecture.codebase import ROOT, modules
from tests.architecture.places import missing_places

_TABLE = "nurture.domain.sequences.sequence"

#: Where one kind is meant and no other; what holds for several is a rule in the table.
_ONE_KIND = {
    "nurture.demo.promises": {"GUIDE", "REMINDER"},
    "nurture.domain.scheduling.gate": {"GUIDE"},
    "nurture.domain.simulation.life": {"GUIDE"},
    "nurture.domain.simulation.simulate": {"GUIDE"},
    "nurture.services.catalogue": {"GUIDE"},
    "nurture.domain.scheduling.second_offer": {"QUESTION"},
    "nurture.services.profile.phrases": {"REMINDER"},
    "nurture.services.publishing.studio": {"ARTICLE"},
    "nurture.services.publishing.sequence_editor": {"ARTICLE"},
    "nurture.services.subscribers.requests": {"ANSWER"},
    "nurture.services.subscribers.suppression": {"GUIDE"},
    "nurture.store.queries.quiet": {"QUESTION"},
    "nurture.store.tables.messages": {"ARTICLE"},
    "nurture.web.studio.sequences.editor": {"ARTICLE"},
    "nurture.web.studio.sequences.words": {"GUIDE"},
}


def test_every_place_knows_every_condition_and_every_kind_of_step() -> None:
    assert missing_places(ROOT) == []


def test_the_table_of_step_kinds_has_them_all_in_their_order() -> None:
    assert list(RULES) == list(StepKind)


def test_the_menus_have_a_label_for_every_row() -> None:
    assert all(is_so and is_not for is_so, is_not in KINDS.values())


def test_nothing_but_the_table_says_what_kinds_of_steps_have_in_common() -> None:
    found = {module.name: _kinds_in(module.tree) for module in modules()}
    named = {name: kinds for name, kinds in found.items() if kinds and name != _TABLE}
    more = {name: kinds - _ONE_KIND.get(name, set()) for name, kinds in named.items()}
    assert {name: kinds for name, kinds in more.items() if kinds} == {}, "say it in RULES"


def _kinds_in(tree: ast.Module) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "StepKind"
    }
