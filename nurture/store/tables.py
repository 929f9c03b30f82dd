"""All tables at once, for the migrations."""

from nurture.store import (
    consents,
    drafts,
    enrolments,
    events,
    instance,
    journals,
    messages,
    owners,
    revisions,
    sequences,
    sign_ins,
    signups,
    subscribers,
    suppressions,
)
from nurture.store.types import metadata

__all__ = [
    "consents",
    "drafts",
    "enrolments",
    "events",
    "instance",
    "journals",
    "messages",
    "metadata",
    "owners",
    "revisions",
    "sequences",
    "sign_ins",
    "signups",
    "subscribers",
    "suppressions",
]
