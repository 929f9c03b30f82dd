"""Bank holidays of the nations of the United Kingdom, from the `holidays` library."""

from functools import cache

from holidays import country_holidays

from nurture.domain.scheduling.hours import Nation
from nurture.domain.scheduling.window import Holidays

_SUBDIVISIONS = {
    Nation.ENGLAND: "ENG",
    Nation.SCOTLAND: "SCT",
    Nation.WALES: "WLS",
    Nation.NORTHERN_IRELAND: "NIR",
}


@cache
def bank_holidays(nation: Nation = Nation.ENGLAND) -> Holidays:
    """Return the bank holidays: `day in bank_holidays()` works for any year."""
    if nation is Nation.NONE:
        return frozenset()
    return country_holidays("GB", subdiv=_SUBDIVISIONS[nation])
