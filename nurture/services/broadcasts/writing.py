"""Writing a broadcast from a file: a new draft, or changes to one that is there."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from nurture.domain.broadcasts.broadcast import Audience, Broadcast, BroadcastStatus, SendTime
from nurture.domain.messages.email import EmailFormat
from nurture.domain.subscribers.consent import Purpose
from nurture.library.reading import LibraryError
from nurture.services.broadcasts import drafts as written_drafts
from nurture.services.broadcasts.drafts import BroadcastError
from nurture.services.broadcasts.freezing import audience_of
from nurture.services.broadcasts.sending import refuse_odd_hour
from nurture.services.catalogue import Catalogue
from nurture.services.publishing.email_editor import find_editing
from nurture.services.publishing.studio import Written
from nurture.store.database import Connection, Database
from nurture.store.tables import broadcasts, drafts
from nurture.store.tables.revisions import RevisionKind

#: No email that people write is this large.
_LARGEST_FILE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DraftOptions:
    """What is chosen for a draft; what is empty or `None` stays as it is, or as usual."""

    file: Path | None = None
    copied: str = ""
    stream: str = ""
    title: str = ""
    to: Sequence[str] = ()
    besides: Sequence[str] = ()
    timing: SendTime | None = None
    late_after: timedelta | None = None
    liveliest_first: bool = False
    invites: bool = False


def write(
    database: Database, catalogue: Catalogue, key: str, chosen: DraftOptions, now: datetime
) -> Broadcast:
    """Write a new draft or change an existing one; may raise `BroadcastError`.

    The text of a stopped broadcast can be changed too, which its rest then gets.
    """
    text = _text(database, chosen)
    with database.writing() as connection:
        published = catalogue.current(connection)
        found = broadcasts.hold_broadcast(connection, key)
        if found is None:
            made = _new(connection, key, chosen, text, now)
        else:
            made = _changed(connection, found, chosen, text, now)
        audience_of(published, made, now)
        refuse_odd_hour(published, made)
    return made


def _new(
    connection: Connection, key: str, chosen: DraftOptions, text: Written | None, now: datetime
) -> Broadcast:
    if text is None or not chosen.stream:
        raise BroadcastError(
            f"There is no broadcast “{key}” yet.",
            remedy="Name its text with --file or --from, and its stream with --stream.",
        )
    return written_drafts.new_draft(
        connection,
        key=key,
        title=chosen.title or key,
        stream=Purpose(chosen.stream),
        written=text,
        now=now,
        **_settings(chosen),
    )


def _changed(
    connection: Connection,
    found: Broadcast,
    chosen: DraftOptions,
    text: Written | None,
    now: datetime,
) -> Broadcast:
    settings = _settings(chosen) | ({"title": chosen.title} if chosen.title else {})
    settings |= {"stream": Purpose(chosen.stream)} if chosen.stream else {}
    if settings and found.status is not BroadcastStatus.DRAFT:
        raise BroadcastError(
            f"“{found.title}” has been sent, so only its text can be changed.",
            remedy="Duplicate it with --from to send it to other people or at another time.",
        )
    if text is not None and found.status not in _CAN_BE_WRITTEN:
        raise BroadcastError(
            f"“{found.title}” is on its way or has been sent.",
            remedy="Stop it first; then its rest gets the changed text.",
        )
    changed = replace(found, **settings)
    written_drafts.refuse_unfit(changed)
    if settings:
        broadcasts.save_broadcast(connection, changed)
    if text is not None:
        _save_text(connection, found, text, now)
    return changed


_CAN_BE_WRITTEN = (BroadcastStatus.DRAFT, BroadcastStatus.STOPPED)


def _save_text(connection: Connection, found: Broadcast, text: Written, now: datetime) -> None:
    kind, key = RevisionKind.EMAIL, found.email_key
    saved = drafts.find_draft(connection, kind, key)
    numbers = {"version": saved.version if saved else 0, "based_on": 0}
    drafts.save_draft(connection, kind, key, asdict(text), now=now, **numbers)


def _settings(chosen: DraftOptions) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if chosen.to or chosen.besides:
        given["audience"] = Audience(tuple(chosen.to), tuple(chosen.besides))
    if chosen.timing is not None:
        given["timing"] = chosen.timing
    if chosen.late_after is not None:
        given["late_after"] = chosen.late_after
    given |= {"liveliest_first": True} if chosen.liveliest_first else {}
    return given | ({"invites": True} if chosen.invites else {})


def _text(database: Database, chosen: DraftOptions) -> Written | None:
    if chosen.file is not None:
        return _read(chosen.file)
    if not chosen.copied:
        return None
    copied = chosen.copied
    key = copied if "/" in copied else written_drafts.get_broadcast(database, copied).email_key
    editing = find_editing(database, key)
    if editing is None:
        raise BroadcastError(
            f"There is no email “{copied}”.", remedy="Name one as sequence/email, or a broadcast."
        )
    return editing.written


def _read(file: Path) -> Written:
    endings = {f".{one}": one for one in EmailFormat}
    written = endings.get(file.suffix)
    if written is None:
        raise LibraryError(f"{file} is no email.", remedy="Name a file that ends in .md or .mjml.")
    if file.stat().st_size > _LARGEST_FILE:
        raise LibraryError(f"{file} is larger than a megabyte.", remedy="Make it shorter.")
    plain = file.with_suffix(".txt")
    try:
        content = file.read_text(encoding="utf-8-sig")
        text = plain.read_text(encoding="utf-8-sig") if plain.exists() else ""
    except UnicodeDecodeError:
        raise LibraryError(f"{file} is not UTF-8 text.", remedy="Save it as UTF-8.") from None
    return Written(written, content, text)
