"""The form to complain by about the use of one's data, and the key that evidence is signed with.

It is open to everyone, because the law asks for that (Data Protection Act 2018, section 164A).
There is no cookie and nobody is signed in, so a foreign site cannot make a browser act in anyone's
name; it is refused anyway, so that it cannot use its visitors' networks up. Nothing is emailed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge

from nurture.addresses import AddressError, plain_mailbox
from nurture.domain.complaints import (
    ACKNOWLEDGED_WITHIN,
    LONGEST_TEXT,
    AnswerBy,
    UnclearComplaintError,
    deadline,
    read_wording,
    tidied,
)
from nurture.domain.subscribers.address import masked
from nurture.services.complaints.receipt import TooManyComplaintsError, address_of, receive
from nurture.services.evidence.keys import public_keys
from nurture.services.subscribers import links
from nurture.store.tables.complaints import Complaint
from nurture.tokens import OutdatedTokenError
from nurture.web.views import Views

Answer = str | tuple[str, int]

#: A text of the greatest length, each of its characters as long as any is when it is sent.
COMPLAINT_BYTES = 12 * LONGEST_TEXT + 16 * 1024

#: A field that people do not see, and that programs fill in. Browsers have no word for it either.
TRAP = "second_line"

#: What a form that was not sent yet contains.
_BLANK: Mapping[str, str] = {"answer_by": AnswerBy.EMAIL}

_FIELDS = ("text", "name", "address", "answer_by", "answer_to")


@dataclass(frozen=True, slots=True)
class _Sender:
    """The person that the link belongs to; neither is known if no link led here."""

    subscriber: int | None = None
    address: str = ""


class ComplaintForm(Views):
    """The views; with a token they answer 404 or 410 as the preference page does."""

    def show(self, token: str = "") -> str:
        """Show the form."""
        return _form(self._sender(token), _BLANK)

    def complain(self, token: str = "") -> Answer:
        """Store the complaint, and show its reference."""
        sender = self._sender(token)
        try:
            said = {name: request.form.get(name, "") for name in _FIELDS}
            trapped = request.form.get(TRAP, "")
        except RequestEntityTooLarge:
            too_long = f"Please use at most {LONGEST_TEXT:,} characters."
            return _form(sender, _BLANK, too_long, "text"), HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if problem := _not_by_hand(trapped):
            return _form(sender, said, problem), HTTPStatus.UNPROCESSABLE_ENTITY
        try:
            return self._receive(sender, said)
        except UnclearComplaintError as error:
            return _form(sender, said, str(error), error.field), HTTPStatus.UNPROCESSABLE_ENTITY
        except TooManyComplaintsError:
            problem = (
                "A great many complaints have come from your network within an hour, so this one "
                "is not stored. What you wrote is still below. Please send it again in an hour, "
                f"or by email to {self.context.practice.email}."
            )
            return _form(sender, said, problem), HTTPStatus.TOO_MANY_REQUESTS

    def show_key(self) -> Response:
        """Return the public halves of the keys that sign evidence, in PEM, the newest first."""
        keys = public_keys(self.context.database)
        status = HTTPStatus.OK if keys else HTTPStatus.NOT_FOUND
        said = keys or "No key has been made yet.\n"
        return Response(said, status, content_type="text/plain; charset=utf-8")

    def _receive(self, sender: _Sender, said: Mapping[str, str]) -> str:
        wording = read_wording(said["text"], said["name"], said["answer_by"], said["answer_to"])
        address = sender.address or _read_address(said["address"])
        context, client = self.context, request.remote_addr or ""
        now = context.clock()
        stored = receive(context.database, wording, address, client, now, sender.subscriber)
        return self._received(stored)

    def _received(self, stored: Complaint) -> str:
        context = self.context
        zone, now = context.practice.time_zone, context.clock()
        return render_template(
            "complaint_received.html",
            reference=stored.reference,
            masked_address=masked(stored.address or ""),
            days=ACKNOWLEDGED_WITHIN,
            last_day=deadline(stored.received_at, now, zone).last_day,
        )

    def _sender(self, token: str) -> _Sender:
        if not token:
            return _Sender()
        context = self.context
        number = links.get_present(context.database, context.tokens.read_preferences(token))
        if context.tokens.is_outdated(token):
            raise OutdatedTokenError("This link was signed with a key that has leaked.")
        return _Sender(number, address_of(context.database, number))


def _read_address(text: str) -> str:
    try:
        return plain_mailbox(tidied(text))
    except AddressError as error:
        raise UnclearComplaintError(
            "address", f"Please look at your email address: {error}"
        ) from None


def _not_by_hand(trapped: str) -> str:
    """Return what to say if no person pressed the button on our own page; "" if one did.

    A complaint must not be lost because a browser filled in too much, so nothing is swallowed
    silently: pressing the button once more sends it.
    """
    if trapped:
        return (
            "A field that nobody sees had been filled in, perhaps by your browser. It is empty "
            "now: please press the button once more."
        )
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return "This was sent from another website. Please press the button here."
    return ""


def _form(sender: _Sender, said: Mapping[str, str], problem: str = "", field: str = "") -> str:
    return render_template(
        "complaint.html",
        said={name: said.get(name, "") for name in _FIELDS},
        masked_address=masked(sender.address) if sender.address else "",
        problem=problem,
        field=field,
        days=ACKNOWLEDGED_WITHIN,
        longest=LONGEST_TEXT,
        trap=TRAP,
    )
