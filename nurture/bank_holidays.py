"""England's bank holidays, by the `holidays` library."""

from functools import cache

from holidays import country_holidays

from nurture.domain.send_window import Holidays


@cache
def bank_holidays() -> Holidays:
    """The days, for any year, on which `day in bank_holidays()` is true."""
    return country_holidays("GB", subdiv="ENG")
