"""Every address in a form that nobody understands is found, so that an erasure takes the form."""

from typing import Any

import pytest

from nurture.domain.door.mentions import addresses_in

ANN = "ann@example.org"

FORMS: dict[str, Any] = {
    "alone": {"q7": ANN},
    "in a sentence": {"q7": f"Write to {ANN}, please."},
    "with a name": {"q7": f"Ann Smith <{ANN}>"},
    "in quotes": {"q7": f"It is '{ANN}'!"},
    "several": {"q7": f"bob@example.org;{ANN}"},
    "JSON in a text": {"raw": f'{{"q3":"{ANN}","n":1}}'},
    "escaped JSON in a text": {"raw": f'{{\\"q3\\":\\"{ANN}\\"}}'},
    "in a query": {"raw": f"a=1&mail={ANN}&b=2"},
    "in an escaped query": {"raw": "a=1&mail=ann%40example.org&b=2"},
    "in a link": {"raw": f"mailto:{ANN}?subject=Hello"},
    "in a name": {f"answer of {ANN}": "yes"},
    "in a list": {"a": [{"b": [["x", ANN]]}]},
    "with a wide sign": {"q7": "Ann＠example.org"},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_an_address_is_found_wherever_it_stands(form: dict[str, Any]) -> None:
    assert ANN in {one.lower() for one in addresses_in(form)}


def test_an_apostrophe_and_signs_within_an_address_belong_to_it() -> None:
    found = addresses_in({"q7": "o'brien+a=b@example.org"})
    assert "o'brien+a=b@example.org" in found


def test_an_address_nested_deeper_than_any_form_is_found() -> None:
    form: Any = ANN
    for _ in range(5000):
        form = [form]
    assert addresses_in({"a": form}) == {ANN}


def test_texts_without_an_address_mention_nobody() -> None:
    assert addresses_in({"a": "Ann", "b": 7, "c": None, "d": ["50% off"]}) == set()
