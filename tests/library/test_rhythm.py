"""The practice's hours, caps and holidays are read from its file, and mistakes are named."""

from datetime import date, time

import pytest

from nurture.domain.scheduling.gate import Caps, one_in
from nurture.domain.scheduling.hours import ClosedDays, Nation, Rhythm
from nurture.library.practice import parse_practice
from nurture.library.reading import LibraryError
from tests.installation import SHIPPED

PRACTICE = (SHIPPED / "practice.toml").read_text()


def rhythm_of(more: str) -> Rhythm:
    return parse_practice(f"{PRACTICE}\n{more}").rhythm


def test_a_practice_without_hours_settings_gets_the_defaults() -> None:
    assert rhythm_of("") == Rhythm()
    assert rhythm_of("[cap]\nusual_days = 9").caps == Caps(one_in(9), one_in(9))


def test_every_hours_setting_is_read() -> None:
    read = rhythm_of(
        '[hours]\nopens = "09:30"\ncloses = "17:00"\n[cap]\nusual_days = 2\nfewer_days = 14\n'
        '[holidays]\nbank = "Scotland"\nclosed = ["2026-12-28 to 2027-01-02", 2026-08-03]\n'
    )
    assert (read.opens, read.closes) == (time(9, 30), time(17))
    assert (read.caps.usual.days, read.caps.fewer.days) == (2, 14)
    assert read.nation is Nation.SCOTLAND
    assert read.closed == (
        ClosedDays(date(2026, 8, 3), date(2026, 8, 3)),
        ClosedDays(date(2026, 12, 28), date(2027, 1, 2)),
    )


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ('hours = "always"', "hours must be a table"),
        ('[hours]\nopen = "08:00"', r"\[hours\]: open is not a setting"),
        ("[hours]\nopens = 8", "opens must be a text"),
        ('[hours]\nopens = "8 o\'clock"', "no time of day|not a time of day"),
        ('[hours]\nopens = "18:30"', "closes must be an hour after opens"),
        ("[cap]\nusual_days = 0", "usual_days must be a whole number"),
        ("[cap]\nusual_days = true", "usual_days must be a whole number"),
        ("[cap]\nfewer_days = 32", "fewer_days must be a whole number"),
        ("[cap]\nusual_days = 8\nfewer_days = 7", "must not be less"),
        ('[holidays]\nbank = "France"', "bank is not known"),
        ('[holidays]\nclosed = "Christmas"', "closed must be a list"),
        ('[holidays]\nclosed = ["Christmas"]', "“Christmas” is no day"),
        ('[holidays]\nclosed = ["2026-01-01 to 2026-06-01"]', "more than 100 days"),
    ],
)
def test_a_mistake_names_the_table_and_the_field(more: str, named: str) -> None:
    toml = f"{more}\n{PRACTICE}" if "[" not in more else f"{PRACTICE}\n{more}"
    with pytest.raises(LibraryError, match=named):
        parse_practice(toml)


def test_rhythm_is_not_a_setting() -> None:
    with pytest.raises(LibraryError, match="rhythm"):
        parse_practice(f'rhythm = "slow"\n{PRACTICE}')
