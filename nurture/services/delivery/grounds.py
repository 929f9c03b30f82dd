"""Grounds: what each email of a batch is sent on, which its footer says."""

from collections.abc import Sequence as Many

from nurture.domain.rights.account import Ground, ground_now
from nurture.domain.scheduling.decision import SendNow
from nurture.domain.scheduling.gate import mailing_of
from nurture.domain.sequences.sequence import ANSWERS
from nurture.services.catalogue import Published
from nurture.store.database import Connection
from nurture.store.queries.due import DueEnrolment
from nurture.store.tables.consents import brought_by_lists


def grounds_of(
    connection: Connection, published: Published, sends: Many[tuple[DueEnrolment, SendNow]]
) -> list[Ground]:
    """Return what each of these emails is sent on, in their order."""
    marketed = {due.subscriber_id for due, send in sends if send.step.kind not in ANSWERS}
    brought = brought_by_lists(connection, marketed) if marketed else {}
    grounds = []
    for due, send in sends:
        scope = published.get_sequence(due.sequence).scope(send.step, due.progress.covered_by)
        mailing, of_list = mailing_of(send.step.kind, scope), brought.get(due.subscriber_id, ())
        grounds.append(ground_now(mailing, scope, due.standing.consents, of_list))
    return grounds
