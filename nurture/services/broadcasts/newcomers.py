"""The people who have come into the audience of a broadcast since it was sent."""

from datetime import datetime

from nurture.domain.broadcasts.review import verdict_of
from nurture.domain.rights.table import Permission
from nurture.services.broadcasts.drafts import existing
from nurture.services.broadcasts.freezing import audience_of
from nurture.services.catalogue import Catalogue
from nurture.store.database import Database
from nurture.store.queries.audience import count_bearings
from nurture.store.queries.newcomers import not_enrolled


def count_newcomers(database: Database, catalogue: Catalogue, key: str, now: datetime) -> int:
    """Return how many people would get a broadcast if it were also sent to those who came since.

    May raise `BroadcastError`, for example if one of its segments is gone.
    """
    with database.reading() as connection:
        broadcast = existing(connection, key)
        audience = audience_of(catalogue.current(connection), broadcast, now)
        new = not_enrolled(broadcast, audience, now)
        counted = count_bearings(connection, new, now)
    return sum(
        one.number
        for one in counted
        if one.in_audience
        and verdict_of(broadcast, one.bearing.standing, now).answer is Permission.YES
    )
