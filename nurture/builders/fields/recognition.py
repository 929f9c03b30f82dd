"""What shows that something sent is a signup: its event, its time, and the shape of its objects."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nurture.payload import Fields

#: Where services say what has happened.
_EVENT_NAMES = frozenset(
    {"type", "event", "eventtype", "eventname", "trigger", "triggertype", "action", "status"}
    | {"subscriptiontype", "state"}
)

#: What a person's own data calls a refusal or junk, if it is true.
_LEAVINGS = frozenset({"hsemailoptout", "optedout", "unsubscribed", "spam", "isspam"})

#: Words of which the name of an event has one if nobody has just asked for a guide.
_NO_SIGNUP = frozenset(
    {"unsubscribe", "unsubscribed", "optout", "unenrolled", "delete", "deleted", "deletion"}
    | {"remove", "removed", "archived", "cleaned", "bounce", "bounced", "complaint", "complained"}
    | {"spam", "cancelled", "canceled", "refund", "refunded", "partial", "abandoned", "draft"}
    | {"update", "updated", "change", "changed", "upemail", "profile", "published", "order"}
    | {"orders", "invoice", "payment", "flagged", "open", "opened", "click", "clicked"}
)

#: The names of events are short; what a visitor has typed under such a name often is not.
_LONGEST, _MOST_BLANKS = 60, 2

#: How many objects of one list are looked at.
_MOST_LISTED = 20

_WORDS = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+")


def object_in(fields: object, *path: str) -> Mapping[str, Any]:
    """Return the object at a place, or an empty one if there is none."""
    for name in path:
        fields = fields.get(name) if isinstance(fields, Mapping) else None
    return fields if isinstance(fields, Mapping) else {}


def objects_in(fields: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the objects of a list, without anything else in it."""
    found = fields.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def time_in(fields: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return `signed_up_at` if a field is a time with an offset; otherwise nothing."""
    moment = Fields(fields).find_moment(name)
    return {"signed_up_at": moment.isoformat()} if moment else {}


def is_other_event(fields: Mapping[str, Any]) -> bool:
    """Return whether a call reports something else, such as an unsubscribe or an order.

    A call that says that someone has left a list names an address too, and must not sign it up.
    """
    return any(map(_says_other_event, (fields, *_inner_objects(fields))))


def _inner_objects(fields: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the objects one level down, also in a list, as the `events` of one call."""
    for value in fields.values():
        every = value[:_MOST_LISTED] if isinstance(value, list) else (value,)
        yield from (one for one in every if isinstance(one, Mapping))


def _says_other_event(fields: Mapping[str, Any]) -> bool:
    said = (
        value
        for name, value in fields.items()
        if _plain(name) in _EVENT_NAMES and isinstance(value, str)
    )
    is_gone = fields.get("archived") is True or _has_left(fields)
    return is_gone or any(map(_is_no_signup, said))


def _has_left(fields: Mapping[str, Any]) -> bool:
    """Return whether someone has opted out; HubSpot puts each value into an object of its own."""
    said = (value for name, value in fields.items() if _plain(name) in _LEAVINGS)
    flags = (one.get("value") if isinstance(one, Mapping) else one for one in said)
    return any(flag is True or flag in ("true", "True") for flag in flags)


def _plain(name: object) -> str:
    return str(name).replace("_", "").casefold()


def _is_no_signup(event: str) -> bool:
    if len(event) > _LONGEST or event.strip().count(" ") > _MOST_BLANKS:
        return False
    return not _NO_SIGNUP.isdisjoint(word.casefold() for word in _WORDS.findall(event))
