"""Kept calls: forms that nothing could read, sealed until the owner says what their fields mean."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from nurture.builders import FormFields
from nurture.domain.door.field_mapping import FieldMapping
from nurture.domain.door.mentions import addresses_in
from nurture.domain.errors import NurtureError
from nurture.domain.known_words import known
from nurture.domain.subscribers.consent import Purpose
from nurture.sealing import Seal, SealBrokenError
from nurture.store.database import Connection, Database, insert_new
from nurture.store.tables.kept_calls import (
    KeptCall,
    StoredMapping,
    count_kept_calls,
    drop_kept_calls,
    kept_calls,
    mappings_of,
    newest_kept_calls_of,
)
from nurture.tokens import Tokens

#: How long a call is kept for the owner to map.
CALLS_KEPT_FOR = timedelta(days=7)

#: How many are kept for one form.
_MOST_KEPT = 1000

#: How long a form may be, and how many addresses it may contain: far more than any form that a
#: person fills in. Anyone can send one, and they must not fill the disk.
_LONGEST, _MOST_ADDRESSES = 128 * 1024, 50


class TooManyKeptError(NurtureError):
    """More calls that cannot be read than anyone would map."""


class TooLongToKeepError(NurtureError):
    """A form that nothing can read, and that is too long to be kept."""


@dataclass(frozen=True, slots=True)
class OpenedCall:
    """A kept call with its seal opened: the fields, and the visitor's address and browser.

    The repr shows none of what a visitor wrote. `fields` is empty if the key of its seal is gone.
    `key` and `body` recognise a repetition of the same call.
    """

    id: int
    form: str
    received_at: datetime
    vouched: bool
    site_id: int | None = None
    fields: FormFields = field(default_factory=dict, repr=False)
    client: str = field(default="", repr=False)
    user_agent: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    body: str = ""


def keep_call(
    connection: Connection,
    seal: Seal,
    tokens: Tokens,
    *,
    form: str,
    fields: FormFields,
    key: str | None,
    body: str,
    site_id: int | None,
    vouched: bool,
    client: str,
    user_agent: str,
    now: datetime,
) -> None:
    """Keep a call that could not be read; a repeated one is kept once.

    `body` is the digest of the call, and `key` what the caller sends again when it repeats it. May
    raise `TooManyKeptError` or `TooLongToKeepError`.
    """
    if count_kept_calls(connection).get(form, 0) >= _MOST_KEPT:
        raise TooManyKeptError("Too many forms wait to be understood.", remedy="Map them first.")
    told = {"fields": fields, "client": client, "user_agent": user_agent, "key": key, "body": body}
    row = {
        "form": form,
        "site_id": site_id,
        "received_at": now,
        "sealed": seal.seal(_packed(told)),
        "mentions": _mentions(tokens, fields),
        "digest": sha256(f"{form}:{key or ''}:{body}".encode()).hexdigest(),
        "vouched": vouched,
    }
    insert_new(connection, kept_calls, [row])


def open_call(seal: Seal, call: KeptCall) -> OpenedCall:
    """Open the seal of a kept call."""
    kept = (call.id, call.form, call.received_at, call.vouched, call.site_id)
    try:
        told = json.loads(seal.open(call.sealed))
    except SealBrokenError:
        return OpenedCall(*kept)
    repeated = told.get("key") or "", told.get("body", "")
    return OpenedCall(*kept, told["fields"], told["client"], told["user_agent"], *repeated)


def newest_kept(database: Database, seal: Seal, form: str, most: int) -> list[OpenedCall]:
    """Return the newest kept calls of a form, newest first."""
    with database.reading() as connection:
        return [open_call(seal, call) for call in newest_kept_calls_of(connection, form, most)]


def count_kept(database: Database) -> dict[str, int]:
    """Count the kept calls by form."""
    with database.reading() as connection:
        return count_kept_calls(connection)


def drop_kept(database: Database, form: str, number: int | None = None) -> int:
    """Delete one kept call of a form, or all of them; return how many."""
    chosen = kept_calls.c.form == form
    if number is not None:
        chosen &= kept_calls.c.id == number
    with database.writing() as connection:
        return drop_kept_calls(connection, chosen)


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


def _packed(told: Mapping[str, object]) -> str:
    """Return a form as JSON; raise `TooLongToKeepError` if no person can have filled it in."""
    with suppress(RecursionError):
        if len(packed := json.dumps(told)) <= _LONGEST:
            return packed
    raise TooLongToKeepError(
        "No email address was found in this form, and it is too long to be kept.",
        remedy="Send the field “email”, and only what was filled in.",
    )


def _mentions(tokens: Tokens, fields: FormFields) -> frozenset[str]:
    """Return the keyed hashes of everything that could be an address, so that it can be erased."""
    addresses = addresses_in(fields)
    if len(addresses) > _MOST_ADDRESSES:
        raise TooLongToKeepError(
            "None of the email addresses in this form is clearly that of the person who filled it "
            "in, and there are too many to ask the owner.",
            remedy="Send the field “email”.",
        )
    return frozenset(each for one in addresses for each in tokens.address_hashes(one))
