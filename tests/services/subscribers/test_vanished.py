"""Searching again: a person erased meanwhile is looked up again, but not for ever."""

import pytest

from nurture.services.subscribers.vanished import NotWrittenError, find_anew
from nurture.store.tables.subscribers import ErasedMeanwhileError


class _Attempts:
    def __init__(self, failing: int) -> None:
        self.failing, self.made = failing, 0

    def __call__(self) -> None:
        self.made += 1
        if self.made <= self.failing:
            raise ErasedMeanwhileError("This person has just been erased.", remedy="Try again.")


def test_a_person_erased_in_the_meantime_is_looked_up_once_more() -> None:
    attempts = _Attempts(failing=1)
    find_anew(attempts)
    assert attempts.made == 2


def test_a_lasting_conflict_ends_in_an_error_without_internal_details(
    caplog: pytest.LogCaptureFixture,
) -> None:
    attempts = _Attempts(failing=1000)
    with pytest.raises(NotWrittenError) as caught:
        find_anew(attempts)
    assert attempts.made < 10
    assert "setval" in caplog.text
    assert "setval" not in str(caught.value)
