"""Make what an older program records during a rolling upgrade as precise as what this one records.

It knows the series as a whole and no forms. People who sign up through it would be refused the
series of the new form, or would agree to that of every form.
"""

from datetime import datetime, timedelta

from nurture.store.database import Database
from nurture.store.queries import locks
from nurture.store.tables import consents, enrolments
from nurture.store.tables.suppressions import find_suppression

#: An upgrade is over long before this.
_RECENTLY = timedelta(days=2)

#: How many of the latest consent records are looked through.
_LATEST = 20_000


def settle_series(database: Database, now: datetime) -> int:
    """Name the forms in whatever an older program has recorded recently; return for how many.

    What was refused meanwhile, although it was agreed to, goes on.
    """
    with database.reading() as connection:
        people = consents.told_by_older(connection, now - _RECENTLY, _LATEST)
    for number in people:
        with database.writing() as connection:
            person = locks.hold_subscriber(connection, number)
            if person is None or not consents.settle_series(connection, number):
                continue
            if find_suppression(connection, person.address_hash) is None:
                enrolments.take_up_unsubscribed(connection, number, now)
    return len(people)
