"""Reports for people: the many ways in which mail servers write that an email came back."""

import re
from collections.abc import Iterator

from nurture.domain.messages import refusal_words
from nurture.domain.messages.inbound_mail import ReportedRecipient
from nurture.mail.mailbox import bounce_words as words
from nurture.mail.mailbox.addresses import addresses_in, is_from_a_server, recipients_in
from nurture.mail.mailbox.parts import MailParts

_LONGEST = 300

#: More recipients than a letter about one email has.
_MOST = 50

#: Where a paragraph about a recipient begins.
_RECIPIENT = re.compile(r"^(?=<[^<>\s@]{1,64}@[^<>\s]{1,255}>:\s)", re.MULTILINE)

#: A reply with its enhanced code, one that is quoted as such, and any other.
_REPLIES = (
    re.compile(r"(?<![\d.:-])([45])\d\d[ -]#?[245]\.\d{1,3}\.\d{1,3}\b"),
    re.compile(
        r"(?:said|returned|response|reply|error|was|reason|smtp)[^\n\d]{0,40}?\b([45])\d\d[ -:]"
    ),
    re.compile(r"(?<![\d.:-])([45])\d\d(?=[:]?[ -]+[A-Za-z<“\"'(\[])"),
)
_ENHANCED = re.compile(r"(?<![\d.])([45])\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
_POLICY = re.compile(r"(?<![\d.])5\.7\.\d{1,3}\b")
_NAMING = re.compile(
    r"^(message-?id|references|in-reply-to|from|sender|return-path|reporting-mta|received|subject)\b.*$",
    re.IGNORECASE | re.MULTILINE,
)


def find_bounces(parts: MailParts) -> tuple[ReportedRecipient, ...]:
    """Return what a mail server's letter says about an email; nothing if it is none."""
    subject, told = parts.first("subject"), told_in(parts)
    if not _is_a_report(parts, subject, told):
        return ()
    whole = f"{subject}\n{told}"
    delayed = bool(words.DELAYED.search(whole)) and not words.GIVEN_UP.search(whole)
    paragraphs = _paragraphs(told)
    if len(paragraphs) > 1:
        found = [
            _bounce(paragraph, recipients_in(paragraph)[:1], delayed) for paragraph in paragraphs
        ]
    else:
        found = [_bounce(told, _named(parts, told), delayed)]
    return tuple(found)


def _bounce(told: str, named: tuple[str, ...], delayed: bool) -> ReportedRecipient:
    permanent, reason = (False, _quoted(told)) if delayed else judge(told)
    return ReportedRecipient(named, delayed=delayed, permanent=permanent, reason=reason[:_LONGEST])


def _paragraphs(told: str) -> list[str]:
    """Return the paragraphs that begin with a recipient, as in qmail's format (QSBMF)."""
    return [one for one in _RECIPIENT.split(told)[:_MOST] if _RECIPIENT.match(one)]


def told_in(parts: MailParts) -> str:
    """Return what a report says itself, without the copy of the email it returns."""
    found = (_before_copy(text) for text in parts.texts)
    return next((text for text in found if text.strip()), "")


def _before_copy(text: str) -> str:
    copy = words.COPY.search(text)
    return text[: copy.start()] if copy else text


def _is_a_report(parts: MailParts, subject: str, told: str) -> bool:
    says_so = bool(words.SUBJECT.search(subject))
    if parts.content_type == "multipart/report":
        return _says_why(told)
    if parts.first("x-failed-recipients") or is_from_a_server(parts.first("from")):
        return says_so or _says_why(told)
    return says_so and _has_null_path(parts)


def _says_why(told: str) -> bool:
    """Return whether a text says what became of an email, not only that it is a report."""
    return any(one.search(told) for one in (words.FAILED, words.DELAYED, words.NOBODY, words.FULL))


def _has_null_path(parts: MailParts) -> bool:
    """Return whether the mail asks for no report about itself, as every report must."""
    return parts.first("return-path").replace(" ", "") == "<>"


def _named(parts: MailParts, told: str) -> tuple[str, ...]:
    failed = addresses_in(" ".join(parts.head.get("x-failed-recipients", ())[:5]))
    return failed or recipients_in(_NAMING.sub("", told))


def judge(told: str) -> tuple[bool, str]:
    """Return whether the failure is for good, and the mail server's reply.

    The codes decide; without any, the words; and what says nothing is held against no one.
    """
    for found in _codes(told):
        reason = _line(told, found.start(1))
        return found[1] == "5" and not is_no_verdict(reason), reason
    if enhanced := _ENHANCED.search(told):
        reason = f"{enhanced[1]}50 {_line(told, enhanced.start())}"
        return enhanced[1] == "5" and not is_no_verdict(reason), reason
    return _by_words(told)


def is_no_verdict(reply: str) -> bool:
    """Return whether a reply says nothing of the address: it expired, or is a matter of policy.

    A status of security or policy (RFC 3463 §3.8) does not say that an address is dead, unless the
    words beside it do.
    """
    if words.NOBODY.search(reply) or refusal_words.NOBODY.search(reply):
        return False
    return bool(_POLICY.search(reply) or words.GIVEN_UP_WAITING.search(reply))


def _codes(told: str) -> Iterator[re.Match[str]]:
    for pattern in _REPLIES:
        if found := pattern.search(told):
            yield found


def _by_words(told: str) -> tuple[bool, str]:
    plain = " ".join(told.split())
    if found := words.GIVEN_UP_WAITING.search(plain):
        return False, f"450 {_around(plain, found)}"
    for pattern, status in ((words.FULL, "5.2.2"), (words.NOBODY, "5.1.1")):
        if found := pattern.search(plain):
            return True, f"550 {status} {_around(plain, found)}"
    for refused in (refusal_words.TOO_LARGE, refusal_words.OF_THE_SENDER, refusal_words.CONTENT):
        if found := refused.search(plain):
            return True, f"550 {_around(plain, found)}"
    return False, ""


def _quoted(told: str) -> str:
    return next((_line(told, found.start(1)) for found in _codes(told)), "")


def _line(told: str, start: int) -> str:
    """Return a text from there to the end of its paragraph, in one line."""
    return " ".join(re.split(r"\n[ \t]*\n", told[start : start + 2 * _LONGEST])[0].split())


def _around(plain: str, found: re.Match[str]) -> str:
    start = plain.rfind(". ", 0, found.start()) + 1
    return plain[max(start, found.start() - 80) : found.end() + 120].strip()
