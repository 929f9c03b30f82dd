"""What the owner says about a whole list, because its rows do not say it themselves."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

#: The days of a statement are the owner's.
_DAYS_OF = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class Statement:
    """The owner's word on how people came onto a list; empty if the owner says nothing.

    Of people who agreed: in which words (`wording`), where, and between which days, both included.
    Of clients (`client`): what they `bought`, where no column says it, when, where no column says
    it, and that they were offered a way out when they gave the address (`way_out_offered`; PECR
    regulation 22(3)). `covers` are the kinds of email that the words or the sale speak of.
    """

    covers: frozenset[str] = frozenset()
    wording: str = ""
    where: str = ""
    since: date | None = None
    until: date | None = None
    bought: str = ""
    way_out_offered: bool = False
    client: bool = False

    @property
    def is_of_consent(self) -> bool:
        """Whether it says in which words, where and when people agreed."""
        return bool(self.wording.strip() and self.where.strip()) and self.names_days

    @property
    def names_days(self) -> bool:
        """Whether it says between which days; none lie between days in the wrong order."""
        return self.since is not None and self.until is not None and self.since <= self.until

    def includes(self, moment: datetime) -> bool:
        """Return whether a moment lies between its days, in the owner's time zone."""
        if self.since is None or self.until is None:
            return False
        return self.since <= moment.astimezone(_DAYS_OF).date() <= self.until


#: The statement of an owner who says nothing.
NOTHING_SAID = Statement()
