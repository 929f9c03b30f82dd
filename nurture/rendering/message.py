"""Preparing an email: everything that is the same for all recipients is encoded once.

Messages to different people differ in only a few values. For each of the few shapes an email
can have (with a first name or without, tracked links or plain ones, the ground it is sent on, and
whether its foot asks) the templates are rendered once with marks for a person's values, and the
text between the marks is encoded in its final bytes. A message is then those bytes joined with the
person's values.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache, partial
from hashlib import blake2b
from textwrap import fill
from typing import NamedTuple

from markupsafe import Markup, escape

from nurture.domain.broadcasts.broadcast import key_of
from nurture.domain.messages.email import destination
from nurture.domain.messages.link_utm import LinkUtm, link_utm
from nurture.domain.practice import Practice
from nurture.domain.rights.account import Ground
from nurture.domain.sequences.sequence import Sequence, StepKind
from nurture.domain.subscribers.consent import STREAMS
from nurture.rendering.compile import CompiledEmail
from nurture.rendering.encoding import SOFT_BREAK, header_text, mailbox, quoted, quoted_value
from nurture.rendering.footer import and_still_wanted, why_sent
from nurture.rendering.templates import compile_template
from nurture.tokens import Tokens

#: The left side of a Message-ID before the recipient is known, however a relay punctuates it.
_MESSAGE_ID = "{number}.{code}"
_NAMED = re.compile(r"\{(number|code)\}")

#: Marks from Unicode's private use area, which no name or template contains.
_MARK = re.compile("\ue000([0-9]+)\ue001")


@dataclass(frozen=True, slots=True)
class Recipient:
    """The person a message goes to; `tracking` is true if they consented to it.

    A message first offered by an older version is not `marked`: its Message-ID must not change.
    `ground` is what gives the right to send it, which the footer says. If the message
    `asks_to_stay`, the footer also asks whether they still want the emails.
    """

    message: int
    enrolment: int
    subscriber: int
    address: str
    first_name: str
    tracking: bool
    address_hash: str = ""
    marked: bool = True
    ground: Ground = Ground.CONSENT
    asks_to_stay: bool = False


Slot = Callable[[Recipient], bytes]


#: The headers that an email needs for its relay, given its Message-ID.
HeadersFor = Callable[[str], Mapping[str, str]]


def no_headers(message_id: str) -> Mapping[str, str]:
    """Return no headers, for a relay that needs none."""
    return {}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every email needs besides its own text."""

    practice: Practice
    tokens: Tokens
    public_url: str
    headers_for: HeadersFor = no_headers


class _Choices(NamedTuple):
    """What a shape's templates may test or say, besides what differs between all people."""

    named: bool
    tracked: bool
    why: str
    asking: bool


@dataclass(frozen=True, slots=True)
class _Shape:
    """Finished bytes with holes: `holes` says which slot fills which of the pieces."""

    pieces: list[bytes]
    holes: list[tuple[Slot, list[int]]]


class PreparedEmail:
    """One revision of an email, ready to be addressed to people."""

    def __init__(
        self, email: CompiledEmail, sequence: Sequence, kind: StepKind, around: Surroundings
    ) -> None:
        self.key = email.key
        self._email, self._sequence, self._kind, self._around = email, sequence, kind, around
        self._places = link_values(email, around.practice)
        self._utm = _link_utm(email, sequence, around)
        self._shapes: dict[tuple[bool, bool, bool, bool, Ground], _Shape] = {}

    def message(self, recipient: Recipient, now: datetime) -> bytes:
        """Return the whole RFC 5322 message to one person, dated `now`, with CRLF line ends."""
        to = recipient
        kind_of = (bool(to.first_name), to.tracking, to.marked, to.asks_to_stay, to.ground)
        shape = self._shapes.get(kind_of)
        if shape is None:
            shape = self._shapes[kind_of] = self._shape(*kind_of)
        pieces = shape.pieces.copy()
        pieces[_DATE] = _date(now)
        for slot, places in shape.holes:
            value = slot(recipient)
            for place in places:
                pieces[place] = value
        return b"".join(pieces)

    def _shape(
        self, named: bool, tracked: bool, marked: bool, asking: bool, ground: Ground
    ) -> _Shape:
        marks = _Marks()
        boundary = _boundary(self._email)
        why = why_sent(self._sequence, self._email.key.partition("/")[2], self._kind, ground)
        choices = _Choices(named, tracked, why, asking)
        html = self._render(self._email.html, marks, choices, html=True)
        text = self._render(self._email.text, marks, choices, html=False)
        subject = self._render(self._email.subject, marks, choices, html=False)
        builder = _Builder(marks)
        self._add_head(builder, subject, boundary, marked)
        builder.add(_part_head(boundary, b"plain"))
        builder.add_body(text)
        builder.add(_part_head(boundary, b"html"))
        builder.add_body(html)
        builder.add(b"\r\n--" + boundary + b"--\r\n")
        return builder.shape()

    def _render(self, template: str, marks: "_Marks", choices: "_Choices", *, html: bool) -> str:
        slots = _personal_slots(self._around, html=html)
        values = {name: marks.add(name, slot) for name, slot in slots.items()}
        if not choices.named:
            values["first_name"] = ""
        tracked = choices.tracked
        why: str = choices.why if html else fill(choices.why, 72)
        if choices.asking:
            why = and_still_wanted(why, str(values["confirm_url"]), html=html)
        said = {"is_followed": tracked, "why_sent": why}
        link = partial(self._link, marks) if tracked else self._plain_link
        pixel = partial(self._pixel, marks) if tracked else str
        shared = shared_values(self._email, self._sequence, self._around.practice)
        made = compile_template(template, html=html)
        return made.render(shared | values | said, link=link, pixel=pixel)

    def _plain_link(self, place: int | str) -> str:
        """Return a link's destination, given its index in the email's links or the URL itself."""
        if not isinstance(place, str):
            place = destination(self._email.links[place], self._places)
        return self._utm.added_to(place)

    def _link(self, marks: "_Marks", place: int | str) -> str:
        """Return a counted link; only the message's number and code differ between recipients."""
        url = self._plain_link(place)
        shared, tail = self._around.tokens.clicks_to(url)
        tokens, start = self._around.tokens, f"{self._around.public_url}/c/"
        return (
            marks.add_fixed(quoted_value(start))
            + marks.add("click head", lambda to: tokens.click_head(to.message))
            + marks.add_fixed(quoted_value(shared.decode("ascii")))
            + marks.add(f"click {url}", lambda to: tail(to.message))
            + marks.add_fixed(SOFT_BREAK)
        )

    def _pixel(self, marks: "_Marks") -> Markup:
        opened, start = self._around.tokens.opened, f"{self._around.public_url}/o/"
        mark = marks.add("pixel", lambda to: quoted_value(f"{start}{opened(to.message)}.gif"))
        return Markup(  # noqa: S704 - the mark is ours and becomes an address of ours
            f'<img src="{mark}" width="1" height="1" alt="" style="display:block;border:0" />'
        )

    def _add_head(self, builder: "_Builder", subject: str, boundary: bytes, marked: bool) -> None:
        """Add the header fields (RFC 5322 §3.6, RFC 2369 §3.2, RFC 8058 §3.1)."""
        practice, tokens = self._around.practice, self._around.tokens
        domain = practice.sender_domain
        start = f"<{self._around.public_url}/unsubscribe/"
        builder.add(b"Date: ")
        builder.add(b"")  # Filled with the date, whose place is fixed.
        builder.add(b"\r\nFrom: " + mailbox(practice.sender_name, practice.sender_address))
        builder.add(b"\r\nReply-To: " + mailbox("", practice.reply_to) + b"\r\nTo: ")
        builder.add_slot("to", lambda to: mailbox("", to.address))
        builder.add(b"\r\nSubject: ")
        builder.add_text_field(subject)
        mark = f"{tokens.step_mark(self.key)}." if marked else ""
        message_id = f"{_MESSAGE_ID}@{mark}{domain}"
        self._add_named(builder, f"\r\nMessage-ID: <{message_id}>\r\n")
        for name, value in self._around.headers_for(message_id).items():
            self._add_named(builder, f"{name}: {value}\r\n")
        builder.add(b"List-Unsubscribe: ")
        builder.add_slot("one-click", lambda to: f"{start}{_way_out(tokens, to)}>".encode())
        builder.add(b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")
        builder.add(self._fixed_fields(domain))
        builder.add(b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="')
        builder.add(boundary + b'"\r\n\r\n')

    def _add_named(self, builder: "_Builder", field: str) -> None:
        """Add a header field that contains the number and the code of the message."""
        tokens = self._around.tokens
        slots: dict[str, Slot] = {
            "number": lambda to: b"%d" % to.message,
            "code": lambda to: tokens.message_code(to.message, to.marked).encode("ascii"),
        }
        for index, piece in enumerate(_NAMED.split(field)):
            if index % 2 == 0:
                builder.add(piece.encode("ascii"))
            else:
                builder.add_slot(f"message {piece}", slots[piece])

    def _fixed_fields(self, domain: str) -> bytes:
        """Return the fields that reports and filters sort by; none refers to a recipient."""
        step, series = self._email.key.partition("/")[2], self._sequence.key
        broadcast = key_of(series)
        if broadcast is not None:
            # All broadcasts of a stream are one list, and no list's name has a colon (RFC 2919).
            stream = self._sequence.steps[0].stream
            step, series = broadcast, stream.value if stream else "broadcast"
        fields = [
            f"List-Id: <{series}.{domain}>",
            f"Feedback-ID: {step[:40]}:{series}:{self._kind}:nurture",
        ]
        if self._kind.rules.consent not in STREAMS:
            fields.append("Auto-Submitted: auto-generated")
        return "".join(f"{field}\r\n" for field in fields).encode("ascii")


def shared_values(
    email: CompiledEmail, sequence: Sequence, practice: Practice
) -> dict[str, object]:
    """Return the values that are the same for all recipients."""
    return {
        **link_values(email, practice),
        "article_title": email.article_title,
        "guide_title": sequence.guide_title,
        "practice": practice,
        "preheader": email.preheader,
        "subject": email.subject,
    }


def link_values(email: CompiledEmail, practice: Practice) -> dict[str, str]:
    """Return the values that link to external pages; missing ones fall back on others."""
    blog_url = practice.blog_url or practice.website_url
    return {
        "article_url": email.article_url or blog_url,
        "blog_url": blog_url,
        "booking_url": practice.booking_url or practice.website_url,
        "website_url": practice.website_url,
    }


#: Our own pages, which belong to one recipient each.
_OWN_PAGES = ("confirm", "guide", "preferences", "unsubscribe", "why")


def _link_utm(email: CompiledEmail, sequence: Sequence, around: Surroundings) -> LinkUtm:
    """Return what the links of an email to the practice's website are to name."""
    pages = tuple(f"{around.public_url}/{page}" for page in _OWN_PAGES)
    campaign, content = key_of(sequence.key) or sequence.key, email.key.partition("/")[2]
    return link_utm(around.practice, campaign, content, pages)


#: The date's place among the pieces of every shape.
_DATE = 1


def _personal_slots(around: Surroundings, *, html: bool) -> Mapping[str, Slot]:
    tokens, url = around.tokens, around.public_url
    return {
        "confirm_url": lambda to: quoted_value(f"{url}/confirm/{tokens.confirm(to.message)}"),
        "first_name": _html_name if html else _plain_name,
        "guide_url": lambda to: quoted_value(f"{url}/guide/{tokens.guide(to.enrolment)}"),
        "preferences_url": lambda to: quoted_value(
            f"{url}/preferences/{tokens.preferences(to.subscriber)}"
        ),
        "unsubscribe_url": lambda to: quoted_value(f"{url}/unsubscribe/{_way_out(tokens, to)}"),
        "why_url": lambda to: quoted_value(f"{url}/why/{tokens.why(to.message)}"),
    }


def _way_out(tokens: Tokens, to: Recipient) -> str:
    """Return the unsubscribe token and, if known, a token for the address.

    The latter serves a database restored from a backup that has no such message.
    """
    token = tokens.unsubscribe(to.subscriber, to.message)
    return f"{token}?a={tokens.whose(to.address_hash)}" if to.address_hash else token


def _html_name(to: Recipient) -> bytes:
    return quoted_value(str(escape(to.first_name)))


def _plain_name(to: Recipient) -> bytes:
    return quoted_value(to.first_name)


class _Marks:
    """A registry of marks, one per slot."""

    def __init__(self) -> None:
        self.slots: list[tuple[str, Slot | bytes]] = []

    def add_fixed(self, piece: bytes) -> str:
        """Return a mark for finished bytes that are the same for all recipients."""
        return self.add("", piece)

    def add(self, name: str, slot: Slot | bytes) -> str:
        self.slots.append((name, slot))
        return f"\ue000{len(self.slots) - 1}\ue001"


class _Builder:
    """A builder of pieces and holes in order; a slot used repeatedly is filled only once."""

    def __init__(self, marks: _Marks) -> None:
        self._marks = marks
        self._pieces: list[bytes] = []
        self._holes: dict[str, tuple[Slot, list[int]]] = {}

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def add_slot(self, name: str, slot: Slot) -> None:
        self._holes.setdefault(name, (slot, []))[1].append(len(self._pieces))
        self._pieces.append(b"")

    def add_body(self, rendered: str) -> None:
        """Add a body in quoted-printable, its marks turned into holes."""
        for index, piece in enumerate(_MARK.split(rendered)):
            if index % 2 == 0:
                self.add(quoted(piece))
                continue
            name, slot = self._marks.slots[int(piece)]
            if isinstance(slot, bytes):
                self.add(slot)
            else:
                self.add_slot(f"{name} {slot.__qualname__}", slot)

    def add_text_field(self, rendered: str) -> None:
        """Add a free-text header; if it contains a name, the whole is encoded per person."""
        if not _MARK.search(rendered):
            return self.add(header_text(rendered))
        self.add_slot(
            "subject", lambda to: header_text(_MARK.sub(lambda _: to.first_name, rendered))
        )

    def shape(self) -> _Shape:
        return _Shape(self._pieces, list(self._holes.values()))


def _boundary(email: CompiledEmail) -> bytes:
    """Return a boundary specific to the email; quoted-printable cannot contain “=_” (RFC 2045)."""
    return b"=_" + blake2b(email.key.encode(), digest_size=12).hexdigest().encode()


def _part_head(boundary: bytes, subtype: bytes) -> bytes:
    return (
        b"\r\n--" + boundary + b"\r\nContent-Type: text/" + subtype + b"; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )


@lru_cache(maxsize=8)
def _date(now: datetime) -> bytes:
    return format_datetime(now).encode("ascii")
