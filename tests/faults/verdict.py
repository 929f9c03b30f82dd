"""Comparing ledger and witness: whether anything was lost, duplicated or invented."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from nurture.domain.account.limits import Window
from nurture.domain.messages.status import TAKEN, MessageStatus
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from tests.faults.oracle import Oracle
from tests.installation import Installation

#: The ledger says: this was not accepted, and it may be offered again or is given up.
_NOT_TAKEN = (MessageStatus.DEFERRED, MessageStatus.FAILED, MessageStatus.CANCELLED)


@dataclass(frozen=True)
class Verdict:
    """What went wrong, as message numbers or addresses.

    `lost` were due, but are neither accepted nor known to be under way. `doubled` were accepted
    more than once. `lies` are accepted only according to the ledger, `denied` only according to
    the witness, although the ledger is sure that they were not. `waiting` will be offered again;
    `in_hand` are claimed or being sent.
    """

    accepted: int
    lost: list[str]
    doubled: list[str]
    lies: list[str]
    denied: list[str]
    in_doubt: list[str]
    waiting: list[str]
    in_hand: list[str]

    @property
    def faultless(self) -> bool:
        """Whether every promise was kept, not counting doubts."""
        return not (self.lost or self.doubled or self.lies or self.denied)


def verdict(
    home: Installation, oracle: Oracle, due: Iterable[str], step: str | None = None
) -> Verdict:
    """Compare the ledger with what the mail server accepted, for one email due to each of `due`."""
    ledger = _ledger(home, step)
    known = {number for number, _, _ in ledger}
    taken = [
        (number, one.recipient)
        for one in oracle.taken()
        if (number := home.context.tokens.read_message_id(one.message_id)) in known or step is None
    ]
    times, people = Counter(number for number, _ in taken), {to for _, to in taken}
    settled = {to for _, to, status in ledger if status not in TAKEN}
    return Verdict(
        accepted=sum(status in TAKEN for _, _, status in ledger),
        lost=sorted(set(due) - people - settled),
        doubled=[str(number) for number, count in times.items() if count > 1]
        + [to for to, count in Counter(to for _, to in taken).items() if count > 1],
        lies=[str(number) for number, _, s in ledger if s in TAKEN and not times[number]],
        denied=[str(number) for number, _, s in ledger if s in _NOT_TAKEN and times[number]],
        in_doubt=_addresses(ledger, MessageStatus.IN_DOUBT),
        waiting=_addresses(ledger, MessageStatus.DEFERRED),
        in_hand=_addresses(ledger, MessageStatus.CLAIMED, MessageStatus.SENDING),
    )


def _ledger(home: Installation, step: str | None) -> list[tuple[int, str, MessageStatus]]:
    joined = select(messages.c.id, subscribers.c.address, messages.c.status).join(
        subscribers, subscribers.c.id == messages.c.subscriber_id
    )
    wanted = joined.where(messages.c.step == step) if step else joined
    with home.context.database.reading() as connection:
        return [
            (number, to, MessageStatus(said)) for number, to, said in connection.execute(wanted)
        ]


def _addresses(ledger: list[tuple[int, str, MessageStatus]], *statuses: MessageStatus) -> list[str]:
    return sorted(to for _, to, status in ledger if status in statuses)


def check_the_count(oracle: Oracle, window: Window, limit: int) -> int:
    """Check that no window holds more than the limit; return how many the fullest one holds."""
    moments = sorted(one.moment for one in oracle.taken())
    last, most = 0, 0
    for first, moment in enumerate(moments):
        while last < len(moments) and moments[last] < moment + window.length:
            last += 1
        most = max(most, last - first)
    assert most <= limit
    return most
