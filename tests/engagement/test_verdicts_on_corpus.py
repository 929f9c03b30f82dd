"""The verdict rules, compared with documented machines and known human behaviour."""

from collections.abc import Callable

from tests.engagement.corpus_reading import sessions_in
from tests.engagement.measuring import measure


def test_machines_are_recognised_and_people_are_not_mistaken_for_machines(
    record_property: Callable[[str, object], None],
) -> None:
    found = measure(sessions_in())
    print(f"\n{found.table()}")
    record_property("measured", found.table())
    assert found.recall >= 0.95, found.table()
    assert found.misjudged <= 0.02, found.table()
