"""The pages that add code are followed to the letter, and none of their steps can be left out."""

from pathlib import Path

import pytest

from tests.architecture.places import missing_places
from tests.docs.checkout import Change, Checkout, changes
from tests.docs.fenced_blocks import ROOT
from tests.presence import at_least_one

CONDITION = ROOT / "docs/adding-a-condition.md"
STEP_KIND = ROOT / "docs/adding-a-step-kind.md"
PROVIDER = ROOT / "docs/adding-a-provider.md"
FORM_BUILDER = ROOT / "docs/adding-a-form-builder.md"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def follow(checkout: Checkout, page: Path) -> str:
    for change in changes(page):
        checkout.write(change)
    return checkout.run(page)


def test_a_condition_is_added_as_the_page_says(checkout: Checkout) -> None:
    said = follow(checkout, CONDITION)
    assert " passed" in said and " failed" not in said
    assert "files are fine." in said


def test_a_step_kind_is_added_as_the_page_says(checkout: Checkout) -> None:
    said = follow(checkout, STEP_KIND)
    assert " passed" in said and " failed" not in said
    assert "files are fine." in said
    assert "help" in said.partition("$ .venv/bin/nurture simulate")[2]
    assert "the-first-page" in said.partition("$ .venv/bin/nurture simulate")[2]


def test_a_provider_is_added_as_the_page_says(checkout: Checkout) -> None:
    said = follow(checkout, PROVIDER)
    assert " passed" in said and " failed" not in said


def test_a_form_builder_is_added_as_the_page_says(checkout: Checkout) -> None:
    said = follow(checkout, FORM_BUILDER)
    assert " passed" in said and " failed" not in said


@pytest.mark.parametrize("page", [CONDITION, STEP_KIND], ids=lambda page: page.stem)
def test_a_place_that_a_page_leaves_out_is_named(page: Path, checkout: Checkout) -> None:
    listed = [change for change in changes(page) if change.is_code]
    for left_out in at_least_one(filter(_says_something, listed)):
        checkout.restore(change.file for change in listed)
        for change in listed:
            if change is not left_out:
                checkout.write(change)
        assert missing_places(checkout.directory), f"nothing misses {left_out}"


def _says_something(change: Change) -> bool:
    """Whether it is no mere import: what is not imported is found by every checker."""
    added = change.new.replace(change.old, "").strip()
    return not added.removesuffix(",").isidentifier() and "class " not in added
