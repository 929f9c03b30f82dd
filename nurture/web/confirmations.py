"""The page for confirming what an email asks (data, erasure, staying): GET shows, POST acts."""

import json
from http import HTTPStatus

from flask import Response, render_template, request

from nurture.rendering.personal_page import personal_page
from nurture.services.delivery import sunset
from nurture.services.subscribers import confirmation as confirmations
from nurture.services.subscribers import erasure, export, links
from nurture.services.subscribers.confirmation import Confirmation, ConfirmationKind
from nurture.web.forms import UnknownChoiceError, one_of, seen_evidence
from nurture.web.views import Views, download

Answer = str | Response | tuple[str, int]

#: The forms in which the data is available: as a page to read, or as a file for another program.
FORMATS = ("page", "file")


class Confirmations(Views):
    """The views; each answers 404 if the person no longer exists, and 410 if it is too late."""

    def show(self, token: str) -> Answer:
        """Show what confirming will do."""
        confirmation = self._find(token)
        return _too_late(confirmation) if confirmation.lapsed else _asked(confirmation)

    def confirm(self, token: str) -> Answer:
        """Do what was confirmed."""
        confirmation = self._find(token)
        if confirmation.lapsed:
            return _too_late(confirmation)
        act = {
            ConfirmationKind.DATA: self._hand_over,
            ConfirmationKind.ERASURE: self._erase,
            ConfirmationKind.STAYING: self._stay,
        }
        return act[confirmation.matter](confirmation)

    def _find(self, token: str) -> Confirmation:
        context = self.context
        message = context.tokens.read_confirm(token)
        found = confirmations.find_confirmation(*context.stored, message, context.clock())
        if found is None:
            raise links.nobody_behind_message(context.database, message)
        return found

    def _hand_over(self, confirmation: Confirmation) -> Answer:
        context = self.context
        try:
            wanted = one_of(FORMATS, request.form, "as")
        except UnknownChoiceError as error:
            return _asked(confirmation, problem=str(error)), HTTPStatus.UNPROCESSABLE_ENTITY
        record = export.hand_over(*context.stored, confirmation.subscriber, context.clock())
        if record is None:
            raise links.nobody_behind_message(context.database, confirmation.message)
        if wanted == "page":
            return download(personal_page(record), "text/html; charset=utf-8", "my-data.html")
        document = json.dumps(record, ensure_ascii=False, indent=2)
        return download(document, "application/json", "my-data.json")

    def _erase(self, confirmation: Confirmation) -> Answer:
        context = self.context
        try:
            known = erasure.forget(
                context.database, context.files, confirmation.subscriber, context.clock()
            )
        except erasure.BeingMailedError as error:
            return _asked(confirmation, problem=str(error)), HTTPStatus.SERVICE_UNAVAILABLE
        if not known:
            raise links.nobody_behind_message(context.database, confirmation.message)
        return _done(confirmation)

    def _stay(self, confirmation: Confirmation) -> Answer:
        context = self.context
        sunset.stay(
            *context.stored,
            confirmation.message,
            seen_evidence(context.settings.public_url),
            context.clock(),
        )
        context.doorbell.ring()
        return _done(confirmation)


def _asked(confirmation: Confirmation, problem: str = "") -> str:
    return render_template("confirm.html", confirmation=confirmation, problem=problem)


def _done(confirmation: Confirmation) -> str:
    return render_template("confirmed.html", confirmation=confirmation)


def _too_late(confirmation: Confirmation) -> Answer:
    return render_template("lapsed.html", confirmation=confirmation), HTTPStatus.GONE
