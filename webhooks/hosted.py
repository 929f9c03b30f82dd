"""Our own page of a form, `/f/<form>`: shown, framed by allowed sites, and sent.

It is open to everyone, like the form on any website: it confirms nothing, and what is suspicious
waits. Only pages of allowed websites can make their visitors' browsers send it.
"""

from hashlib import sha256
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, g, request

from nurture.bootstrap import Context
from nurture.builders.fields.signup_body import read_signup
from nurture.domain.disk_space import DiskUse
from nurture.domain.known_words import known
from nurture.domain.subscribers.consent import Purpose
from nurture.services.door.hosted import (
    HostedForm,
    PageQuestion,
    SentPage,
    Taken,
    find_hosted,
    take_in,
)
from nurture.services.door.origins import AllowedOrigins, origin_of
from nurture.services.door.reception import SentForm
from nurture.web.hosted import TRAP, Showing, embed_script, form_page, question_page, thanks_page
from nurture.web.views import Views
from webhooks.callers import client_of, idempotency_key, read_body, read_fields
from webhooks.cross_origin import allow_origins
from webhooks.problems import ProblemError
from webhooks.refusals import not_understood
from webhooks.visitors import (
    ACCEPTED,
    answer_errors,
    is_visitor,
    surroundings,
    text_of,
    thank,
    typed,
)

#: Far more than this form sends, and little enough to accept from anyone.
_LARGEST = 64 * 1024

_CHANGED = (
    "The words of this form have changed since you opened it. Please read them once more and press "
    "the button again."
)


class HostedForms(Views):
    """The views, each a translation from HTTP to a service and back."""

    def show(self, form: str) -> Response:
        """Show the form."""
        sent = request.args
        hosted = self._find(form, text_of(sent, "thanks"))
        return form_page(self._showing(hosted, sent, sent.get("page")))

    def send(self, form: str) -> Response:
        """Take the form in, or show the page again with what is wrong or to be asked."""
        body = read_body(request, _LARGEST)
        sent = g.sent_fields = read_fields(request, body)
        read_signup(sent)
        hosted = self._find(form, text_of(sent, "thanks"))
        _insist_on_allowed(hosted.allowed, self.context.settings.public_url)
        self.context.disk.insist(DiskUse.SIGNUPS)
        page = _sent_page(sent)
        taken = take_in(
            self.context.door,
            hosted,
            self._sent_form(hosted, sent, page, body),
            page,
            self.context.clock(),
        )
        return self._answer(hosted, sent, taken)

    def thank(self, form: str) -> Response:
        """Show our own page of thanks."""
        hosted = self._find(form, "")
        return thanks_page(self.context.practice, hosted, embedded="embed" in request.args)

    def _answer(self, hosted: HostedForm, sent: dict[str, Any], taken: Taken) -> Response:
        """Return what a visitor or a script gets to know."""
        if taken.question is PageQuestion.WORDING:
            return form_page(self._showing(hosted, sent), _CHANGED, "", HTTPStatus.CONFLICT)
        if taken.question is PageQuestion.DOMAIN:
            proof = {name: text_of(sent, name) for name in ("challenged", "solution")}
            return question_page(self._showing(hosted, sent), taken.meant, proof)
        self.context.doorbell.ring()
        if taken.receipt:
            not_understood(hosted.key, taken.receipt.not_understood)
        if is_visitor(request):
            return thank(self.context, hosted, embedded="embed" in request.args)
        return Response(ACCEPTED, HTTPStatus.ACCEPTED, mimetype="application/json")

    def _find(self, form: str, thanks: str) -> HostedForm:
        context = self.context
        return find_hosted(context.door, form, client_of(request), context.clock(), thanks)

    def _showing(self, hosted: HostedForm, sent: Any, page_url: object = None) -> Showing:
        around = surroundings(hosted, sent, page_url or sent.get("page_url"))
        return Showing(self.context.practice, hosted, around, typed(sent))

    def _sent_form(
        self, hosted: HostedForm, sent: dict[str, Any], page: SentPage, body: bytes
    ) -> SentForm:
        digest = sha256(body).hexdigest()
        # A button that is pressed twice sends the same page twice; a day later, they ask again.
        today = self.context.clock().date()
        own_key = f"{page.made}:{today}:{digest}" if page.made else None
        return SentForm(
            form=hosted.key,
            fields=sent | {"page_url": self._page_url(hosted, sent)},
            client=client_of(request),
            user_agent=request.user_agent.string,
            key=idempotency_key(request) or own_key,
            digest=digest,
        )

    def _page_url(self, hosted: HostedForm, sent: dict[str, Any]) -> str:
        """Return the page that the form is on: an allowed website's, or else ours."""
        told = (text_of(sent, "page_url"), request.referrer or "")
        ours = f"{self.context.settings.public_url}/f/{hosted.key}"
        return next((url for url in told if hosted.allowed.covers(url)), ours)


def create_hosted(context: Context) -> Blueprint:
    """Serve the pages of hosted forms, and the script that puts one into a website."""
    hosted = Blueprint("hosted", __name__)
    views = HostedForms(context)
    hosted.get("/f/embed.js")(embed_script)
    hosted.get("/f/<form>", provide_automatic_options=False)(views.show)
    hosted.post("/f/<form>", provide_automatic_options=False)(views.send)
    hosted.get("/f/<form>/thanks")(views.thank)
    allow_origins(hosted, context, "/f/<form>")
    answer_errors(hosted, context)
    return hosted


def _sent_page(sent: dict[str, Any]) -> SentPage:
    """Return what our own page sends beside the fields of a signup."""
    boxes = (known(Purpose, word, None) for word in text_of(sent, "boxes").split())
    return SentPage(
        made=text_of(sent, "made"),
        seen=text_of(sent, "seen"),
        boxes=tuple(filter(None, boxes)),
        asked=text_of(sent, "asked"),
        trapped=bool(sent.get(TRAP)),
        challenged=bool(sent.get("challenged")),
        solution=text_of(sent, "solution"),
    )


def _insist_on_allowed(allowed: AllowedOrigins, public_url: str) -> None:
    """Refuse what the page of a website that is not allowed sends from its visitors' browsers.

    Otherwise it could use up the limits of everyone's network.
    """
    if request.headers.get("Sec-Fetch-Site") in ("same-origin", "none"):
        return
    origin = request.headers.get("Origin")
    if origin and origin not in (*allowed.all, origin_of(public_url), origin_of(request.host_url)):
        raise ProblemError(
            HTTPStatus.FORBIDDEN,
            "Forms from that website are not accepted. Add it to the list of allowed websites.",
        )
