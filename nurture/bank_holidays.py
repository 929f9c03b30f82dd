"""Bank holidays of the nations of the United Kingdom, by the `holidays` library."""

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
    """The days, for any year, on which `day in bank_holidays()` is true."""
    if nation is Nation.NONE:
        return frozenset()
    return country_holidays("GB", subdiv=_SUBDIVISIONS[nation])
