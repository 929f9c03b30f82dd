"""Delivery reports for programs (RFC 3464, RFC 6533): who, what became of it, and why."""

import re
from dataclasses import replace

from nurture.domain.messages.inbound_mail import ReportedRecipient
from nurture.mail.mailbox.addresses import addresses_in
from nurture.mail.mailbox.bounces import is_no_verdict, judge, told_in
from nurture.mail.mailbox.parts import Fields, MailParts, first

#: More recipients than a report about one email has.
_MOST = 50

_FAILED, _DELAYED = "failed", "delayed"

_LONGEST = 500
_TYPED = re.compile(r"^\s*(?:rfc822|utf-8|unknown|x-[\w-]+|smtp|dns|x400)\s*;\s*", re.IGNORECASE)
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_REPLY = re.compile(r"(?<![\d.])([45])\d\d(?=[ -]\S)")
#: What a server says of the session before the reply that counts.
_CONTINUED = re.compile(r"(?<=\s)[45]\d\d[ -](?=[245]\.\d{1,3}\.\d{1,3}\b)")

#: Given up after days of trying (RFC 3463 §3.5): nothing that is known of the address.
_EXPIRED = ("4", "7")
_NOTHING_SAID = "no reason was given"


def reported_recipients(parts: MailParts) -> tuple[ReportedRecipient, ...]:
    """Return the recipients that a report says failed or are still being tried."""
    told = [_recipient(fields) for fields in parts.groups[:_MOST]]
    found = [one for one in told if one is not None]
    if len(found) == 1 and found[0].reason.endswith(_NOTHING_SAID):
        return (_with_words(parts, found[0]),)
    return tuple(found)


def _with_words(parts: MailParts, told: ReportedRecipient) -> ReportedRecipient:
    """Return what a report says in its letter, if its fields say no more than that it failed."""
    permanent, reason = judge(told_in(parts))
    if not reason or told.delayed:
        return told
    return replace(told, permanent=permanent, reason=reason)


def _recipient(fields: Fields) -> ReportedRecipient | None:
    action = _action(fields)
    if action is None:
        return None
    final = _addresses(fields, "final-recipient")
    original = _addresses(fields, "original-recipient")
    return ReportedRecipient(
        named=final,
        original=original[0] if original else "",
        delayed=action == _DELAYED,
        permanent=action == _FAILED and _is_permanent(fields),
        reason=_reason(fields),
    )


def _action(fields: Fields) -> str | None:
    """Return `failed` or `delayed`; `None` if the group is about the report or a success."""
    if not {"action", "status", "final-recipient", "original-recipient"} & fields.keys():
        return None
    said = first(fields, "action").partition(" ")[0].strip().lower().rstrip(";,.")
    if said.startswith("fail"):
        return _FAILED
    if said.startswith("delay"):
        return _DELAYED
    if said:
        return None
    status = _STATUS.search(first(fields, "status"))
    return {"5": _FAILED, "4": _DELAYED}.get(status[1]) if status else None


def _addresses(fields: Fields, name: str) -> tuple[str, ...]:
    return addresses_in(" ".join(_TYPED.sub("", value) for value in fields.get(name, ())[:3]))


def _is_permanent(fields: Fields) -> bool:
    status = _STATUS.search(first(fields, "status"))
    said = _diagnostic(fields)
    reply = _REPLY.search(said)
    if (status and status.groups()[1:] == _EXPIRED) or is_no_verdict(said):
        return False
    if reply:
        return reply[1] == "5"
    return status is not None and status[1] == "5"


def _reason(fields: Fields) -> str:
    """Return the mail server's reply, beginning with a code if there is any."""
    said, status = _diagnostic(fields), _STATUS.search(first(fields, "status"))
    reply = _REPLY.search(said)
    if reply:
        return said[:_LONGEST]
    if status is None:
        return said[:_LONGEST]
    code = "550" if _is_permanent(fields) else "450"
    enhanced = "" if status[0].endswith(".0.0") else f"{status[0]} "
    shown = said if said and not said.startswith(status[0]) else said.removeprefix(status[0])
    return f"{code} {enhanced}{shown.strip() or _NOTHING_SAID}"[:_LONGEST]


def _diagnostic(fields: Fields) -> str:
    said = _TYPED.sub("", first(fields, "diagnostic-code"))
    return _CONTINUED.sub("", said)
