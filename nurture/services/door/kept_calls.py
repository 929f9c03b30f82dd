"""Kept calls: forms that nothing could read, sealed until the owner says what their fields mean."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from nurture.builders import FormFields
from nurture.domain.door.field_mapping import FieldMapping, walk
from nurture.domain.errors import NurtureError
from nurture.domain.known_words import known
from nurture.domain.subscribers.consent import Purpose
from nurture.sealing import Seal
from nurture.store.database import Connection, insert_new
from nurture.store.tables.kept_calls import (
    StoredMapping,
    count_kept_calls,
    drop_kept_calls,
    kept_calls,
    mappings_of,
)
from nurture.tokens import Tokens

#: How long a call is kept for the owner to map.
CALLS_KEPT_FOR = timedelta(days=7)

#: How many are kept for one form.
_MOST_KEPT = 1000


class TooManyKeptError(NurtureError):
    """More calls that cannot be read than anyone would map."""


def keep_call(
    connection: Connection,
    seal: Seal,
    tokens: Tokens,
    *,
    form: str,
    fields: FormFields,
    digest: str,
    site_id: int | None,
    vouched: bool,
    client: str,
    user_agent: str,
    now: datetime,
) -> None:
    """Keep a call that could not be read; a repeated one is kept once. May raise
    `TooManyKeptError`.
    """
    if count_kept_calls(connection).get(form, 0) >= _MOST_KEPT:
        raise TooManyKeptError("Too many forms wait to be understood.", remedy="Map them first.")
    told = {"fields": fields, "client": client, "user_agent": user_agent}
    row = {
        "form": form,
        "site_id": site_id,
        "received_at": now,
        "sealed": seal.seal(json.dumps(told)),
        "mentions": frozenset(_mentions(tokens, fields)),
        "digest": digest,
        "vouched": vouched,
    }
    insert_new(connection, kept_calls, [row])


def find_mappings(connection: Connection, form: str) -> list[FieldMapping]:
    """Return what the owner says that the fields of a form mean, the newest first."""
    return [as_mapping(stored) for stored in mappings_of(connection, form)]


def as_mapping(stored: StoredMapping) -> FieldMapping:
    """Return a mapping as a value, without purposes that only a newer program knows."""
    read = {pointer: known(Purpose, word, None) for pointer, word in stored.boxes.items()}
    boxes = {pointer: purpose for pointer, purpose in read.items() if purpose}
    return FieldMapping(stored.email, stored.first_name, stored.name, boxes)


def forget_old_calls(connection: Connection, now: datetime) -> int:
    """Delete the calls that were kept long enough; return how many."""
    return drop_kept_calls(connection, kept_calls.c.received_at < now - CALLS_KEPT_FOR)


def _mentions(tokens: Tokens, fields: FormFields) -> Iterator[str]:
    """Yield the keyed hashes of everything that could be an address, so that it can be erased."""
    for _, value in walk(fields):
        if isinstance(value, str) and "@" in value:
            for word in value.split():
                yield from tokens.address_hashes(word) if "@" in word else ()
