"""Whether a compiled email has all that it must have, as a subscriber's email client sees it."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape

from nurture.domain.broadcasts.broadcast import key_of
from nurture.domain.rights.account import Ground
from nurture.domain.sequences.sequence import Sequence, StepKind
from nurture.rendering.compile import CompiledEmail
from nurture.rendering.message import PreparedEmail, Recipient, Surroundings

#: Gmail cuts off an email of more than this many bytes of HTML.
LARGEST_HTML = 102 * 1024

_LONGEST_SUBJECT = 78
_SAMPLES = [
    Recipient(1, 1, 1, "somebody@example.org", name, tracking, ground=ground)
    for name, tracking, ground in (
        ("Ann", True, Ground.CONSENT),
        ("", True, Ground.LIST),
        ("Ann", False, Ground.CLIENT),
        ("", False, Ground.CONSENT),
    )
]


def check_email(
    email: CompiledEmail, sequence: Sequence, kind: StepKind, around: Surroundings
) -> list[str]:
    """Return what an email lacks or must not contain; each finding names email and remedy."""
    prepared = PreparedEmail(email, sequence, kind, around)
    if key_of(sequence.key) is not None and (misplaced := _misplaced(email)):
        return [f"{email.key}: {finding}" for finding in misplaced]
    found = [f for sample in _SAMPLES for f in _findings(prepared, kind, sample, around)]
    return [f"{email.key}: {finding}" for finding in dict.fromkeys(found)]


#: What only means something in a sequence, because it answers somebody or hands out a guide.
_OF_SEQUENCES = ("confirm_url", "guide_url", "guide_title")


def _misplaced(email: CompiledEmail) -> list[str]:
    """Return what a broadcast must not contain, as nobody has asked for it."""
    links = [f"{{{{ {link} }}}}" for link in email.links]
    written = (email.subject, email.preheader, email.html, email.text, *links)
    used = [name for name in _OF_SEQUENCES if any(_uses(name, one) for one in written)]
    return [f"{{{{ {name} }}}} means nothing in a broadcast; take it out." for name in used]


def _uses(name: str, template: str) -> bool:
    return re.search(rf"\{{[{{%][^}}]*\b{name}\b", template) is not None


def _findings(
    prepared: PreparedEmail, kind: StepKind, sample: Recipient, around: Surroundings
) -> list[str]:
    """Return the findings for one sample recipient: with or without name, tracked or not."""
    data = prepared.message(sample, datetime(2026, 1, 1, tzinfo=UTC))
    message = message_from_bytes(data, policy=policy.default)
    html, text = _part(message, "html"), _part(message, "plain")
    return [
        *_subject_findings(str(message["Subject"])),
        *_size_findings(html),
        *_footer_findings(unescape(html), "the HTML", around),
        *_footer_findings(text, "the text part", around),
        *_confirming_findings(html, "the HTML", kind, around),
        *_confirming_findings(text, "the text part", kind, around),
    ]


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return part.get_content() if part else ""


def _subject_findings(subject: str) -> list[str]:
    if len(subject) > _LONGEST_SUBJECT:
        return [f"the subject has {len(subject)} characters; keep it under {_LONGEST_SUBJECT}."]
    return []


def _size_findings(html: str) -> list[str]:
    size = len(html.encode())
    if size > LARGEST_HTML:
        return [f"the HTML has {size:,} bytes; Gmail cuts off above {LARGEST_HTML:,}."]
    return []


def _footer_findings(body: str, where: str, around: Surroundings) -> list[str]:
    findings = []
    if f"{around.public_url}/unsubscribe/" not in body:
        findings.append(f"{where} has no unsubscribe link; add {{{{ unsubscribe_url }}}}.")
    if _plain(around.practice.address_line) not in _plain(body):
        findings.append(f"{where} has no postal address; add {{{{ practice.address_line }}}}.")
    if not body.strip():
        findings.append(f"{where} is empty.")
    return findings


def _confirming_findings(body: str, where: str, kind: StepKind, around: Surroundings) -> list[str]:
    """Require that an email asking for confirmation links to the confirmation page."""
    if kind.rules.asks and f"{around.public_url}/confirm/" not in body:
        return [f"{where} does not lead to the page to confirm on; add {{{{ confirm_url }}}}."]
    return []


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)
