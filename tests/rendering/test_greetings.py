"""Every subscriber's name has a kind, and a kind is shown as one of its names would read."""

from hypothesis import given
from hypothesis import strategies as st

from nurture.rendering.greetings import how_it_reads, name_kinds

COUNTED = st.dictionaries(st.text(max_size=30), st.integers(1, 1000), max_size=30)


@given(COUNTED)
def test_everyone_is_counted_once_and_each_example_is_a_real_name(counted: dict[str, int]) -> None:
    kinds = name_kinds(counted)
    assert sum(kind.people for kind in kinds) == sum(counted.values())
    assert {kind.example for kind in kinds} <= set(counted)
    assert len({kind.what for kind in kinds}) == len(kinds)


def test_kinds_of_names_are_distinguished_by_what_causes_trouble() -> None:
    counted = {"": 4, "Ann": 1, "Bob": 7, "Wolfeschlegelstein": 1, "Jo 2": 2, "O'Neil": 2}
    assert [(kind.people, kind.example) for kind in name_kinds(counted)] == [
        (4, ""),
        (8, "Bob"),
        (1, "Wolfeschlegelstein"),
        (4, "O'Neil"),
    ]


def test_an_email_without_names_reads_the_same_to_everyone() -> None:
    assert how_it_reads(name_kinds({"": 1, "Ann": 2}), lambda name: "Good day") == []


def test_the_example_line_is_the_first_that_differs() -> None:
    readings = how_it_reads(name_kinds({"": 1, "Bo": 2}), "A subject\nHello {0}\nBye {0}".format)
    assert [one.line for one in readings] == ["Hello", "Hello Bo"]
