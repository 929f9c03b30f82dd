"""All tables at once, for the migrations."""

from nurture.store import (
    consents,
    enrolments,
    events,
    instance,
    journals,
    messages,
    revisions,
    sequences,
    signups,
    subscribers,
    suppressions,
)
from nurture.store.types import metadata

__all__ = [
    "consents",
    "enrolments",
    "events",
    "instance",
    "journals",
    "messages",
    "metadata",
    "revisions",
    "sequences",
    "signups",
    "subscribers",
    "suppressions",
]
