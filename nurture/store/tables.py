"""All tables at once, for the migrations."""

from nurture.store import (
    account,
    consents,
    drafts,
    enrolments,
    events,
    guide_files,
    instance,
    journals,
    messages,
    owners,
    refused_calls,
    revisions,
    sequences,
    sign_ins,
    signups,
    subscribers,
    suppressions,
)
from nurture.store.types import metadata

__all__ = [
    "account",
    "consents",
    "drafts",
    "enrolments",
    "events",
    "guide_files",
    "instance",
    "journals",
    "messages",
    "metadata",
    "owners",
    "refused_calls",
    "revisions",
    "sequences",
    "sign_ins",
    "signups",
    "subscribers",
    "suppressions",
]
