"""What a mail is: a delivery report, a complaint, an automatic mail, a reply or none of ours."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b

from nurture.domain.messages.inbound_mail import InboundKind, InboundMail, ReportedRecipient
from nurture.mail.mailbox.addresses import (
    address_of,
    addresses_in,
    is_from_a_server,
    message_ids_in,
)
from nurture.mail.mailbox.automatic import is_automatic
from nurture.mail.mailbox.bounces import find_bounces
from nurture.mail.mailbox.delivery_reports import reported_recipients
from nurture.mail.mailbox.parts import Fields, MailParts, first, take_apart

#: Where mail servers note whom they received a mail for; each counts only with our signature.
_SENT_TO = (
    *("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to"),
    *("x-rcpt-to", "x-forwarded-to", "original-recipient", "apparently-to", "to"),
)

#: The headers in which emails of ours bear their Message-ID for relays that replace it.
_CARRIERS = (
    *("x-mailin-custom", "x-mailgun-variables", "x-pm-metadata-message-id", "x-smtpapi"),
    *("x-nurture-message-id", "x-ses-message-tags"),
)
_LINE = re.compile(
    r"^[ \t>|*]{0,20}(?:original[ -])?message-?id[ \t]*[:=]\s{0,20}(\S{1,200})", re.I | re.M
)

#: Feedback about junk (RFC 5965 §7.3), and what is none.
_ABUSE = frozenset({"abuse", "fraud", "other", "opt-out", "opt-out-list"})

_OLD_FEEDBACK = re.compile(
    r"^(complaint about message from|email feedback report for)", re.IGNORECASE
)
_FEEDBACK_SENDER = re.compile(r"@(\w+\.)*(hotmail|outlook|live|microsoft|aol)\.com$", re.IGNORECASE)
#: A recipient that is left out of a complaint, or replaced by a token (RFC 6590).
_REDACTED = re.compile(
    r"redacted|hidden|removed|suppressed|anonym|xxx|^(?=[^@]*\d)[0-9a-z+/=_-]{20,}@", re.IGNORECASE
)
_COMMENT = re.compile(r"\([^()]{0,200}\)")


def read_inbound(data: bytes) -> InboundMail:
    """Return what any bytes are as a mail; never raise, and never keep any of its text."""
    try:
        return _read(take_apart(data))
    except Exception:  # Anybody may send anything, and one mail must not keep us from the others.
        return InboundMail(InboundKind.OTHER, identity=_digest(data[:100_000]))


def wants_body(head: bytes) -> bool:
    """Return whether the headers alone do not tell what a mail says about our email."""
    try:
        parts = take_apart(head)
        return not _is_plain(parts)
    except Exception:  # As above.
        return False


def _is_plain(parts: MailParts) -> bool:
    """Return whether a mail is nothing that reports about another."""
    content_type = parts.first("content-type").lower()
    reports = "multipart/report" in content_type or "feedback-report" in content_type
    return not (
        reports
        or parts.first("x-failed-recipients")
        or is_from_a_server(parts.first("from"))
        or parts.first("return-path").replace(" ", "") == "<>"
        or _OLD_FEEDBACK.search(parts.first("subject"))
    )


def _read(parts: MailParts) -> InboundMail:
    complained = _complaint(parts)
    if complained is not None:
        return _made(parts, InboundKind.COMPLAINT, complained)
    if parts.groups and _may_report(parts):
        return _made(parts, InboundKind.REPORT, reported_recipients(parts))
    bounces = find_bounces(parts) if not parts.groups else ()
    if bounces:
        return _made(parts, InboundKind.REPORT, bounces)
    if parts.groups or is_automatic(parts):
        return _made(parts, InboundKind.AUTOMATIC)
    answers = parts.first("in-reply-to") or parts.first("references")
    return _made(parts, InboundKind.REPLY if answers else InboundKind.OTHER)


def _made(
    parts: MailParts, kind: InboundKind, recipients: tuple[ReportedRecipient, ...] = ()
) -> InboundMail:
    answered = message_ids_in(parts.head.get("in-reply-to", ()))
    thread = message_ids_in(parts.head.get("references", ()))
    about = kind in (InboundKind.REPORT, InboundKind.COMPLAINT)
    return InboundMail(
        kind=kind,
        identity=_identity(parts),
        message_ids=_proven(parts)
        if about
        else tuple(dict.fromkeys((*answered, *reversed(thread)))),
        answered=answered,
        sent_to=_sent_to(parts),
        sender=address_of(parts.first("from")),
        dated_at=_moment(parts.first("date")),
        recipients=recipients,
    )


def _complaint(parts: MailParts) -> tuple[ReportedRecipient, ...] | None:
    """Return the recipients that a complaint names; `None` if this is none."""
    for fields in parts.feedback:
        if _COMMENT.sub("", first(fields, "feedback-type")).strip().lower() in _ABUSE:
            named = _recipients_of(fields)
            return (ReportedRecipient(named=named),) if named else ()
    sender = address_of(parts.first("from"))
    if _OLD_FEEDBACK.search(parts.first("subject")) and _FEEDBACK_SENDER.search(sender):
        return () if parts.returned else None
    return None


def _recipients_of(fields: Fields) -> tuple[str, ...]:
    said = [*fields.get("original-rcpt-to", ()), *fields.get("removal-recipient", ())]
    return tuple(one for one in addresses_in(" ".join(said)) if not _REDACTED.search(one))


def _may_report(parts: MailParts) -> bool:
    """Return whether a mail that looks like a report can be a mail server's.

    A report asks for none about itself (RFC 3464 §2), or comes from a server at least.
    """
    sender, path = parts.first("from"), parts.first("return-path").replace(" ", "")
    return (path in ("", "<>") and not _speaks_of_itself(parts)) or is_from_a_server(sender)


def _speaks_of_itself(parts: MailParts) -> bool:
    """Return whether the report is about its sender, so that a person wrote it."""
    sender = address_of(parts.first("from")).casefold()
    named = {name.casefold() for one in reported_recipients(parts) for name in one.named}
    return bool(sender) and sender in named


def _proven(parts: MailParts) -> tuple[str, ...]:
    """Return the Message-ID of what a report returns, if it is one.

    What is returned decides; if nothing is, what the report answers, or what it names in a field
    or a line of that name. A Message-ID anywhere else proves nothing, and neither do two.
    """
    for places in (_returned(parts), _answered(parts), _fields_named(parts), _lines_named(parts)):
        texts = list(places)
        if texts:
            found = message_ids_in(texts)
            return found if len(found) == 1 else ()
    return ()


def _returned(parts: MailParts) -> Iterator[str]:
    for fields in parts.returned:
        yield from fields.get("message-id", ())
        for name, values in fields.items():
            if name.startswith(_CARRIERS):
                yield from values


def _answered(parts: MailParts) -> Iterator[str]:
    """Yield what the report replies to, as Exchange, Gmail and Mimecast write it."""
    for name in ("in-reply-to", "references"):
        for value in parts.head.get(name, ()):
            yield from message_ids_in([value])[:1]
            if message_ids_in([value]):
                return


def _fields_named(parts: MailParts) -> Iterator[str]:
    for fields in (*parts.groups, *parts.feedback):
        for name, values in fields.items():
            if name.endswith("message-id"):
                yield from values


def _lines_named(parts: MailParts) -> Iterator[str]:
    """Yield the Message-IDs of emails copied into the text."""
    for text in parts.texts:
        yield from _LINE.findall(text)


def _sent_to(parts: MailParts) -> tuple[str, ...]:
    found = (one for name in _SENT_TO for value in parts.head.get(name, ())[:5] for one in [value])
    return tuple(dict.fromkeys(one for text in found for one in addresses_in(text)))[:20]


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    try:
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _identity(parts: MailParts) -> str:
    """Return what identifies a mail whichever way it came, and although copies differ in traces."""
    given = parts.first("message-id")
    if given:
        return _digest(given.encode())
    names = ("date", "from", "to", "subject", "in-reply-to", "references", "x-failed-recipients")
    told = [parts.first(name) for name in names] + [str(parts.groups)]
    return _digest("\n".join(told).encode("utf-8", "replace"))


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
