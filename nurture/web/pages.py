"""The pages a subscriber sees: the guide, the preferences and unsubscribing.

A GET shows and changes nothing, because scanners follow links and run scripts; a POST acts. The
token in the URL is the whole capability. There are no cookies, so a foreign site cannot make a
browser send any.
"""

from pathlib import Path

from flask import Blueprint, Response, render_template, request, send_file, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from nurture.bootstrap import Context
from nurture.domain.sequences.sequence import UNCOLLECTED_FOR, Request
from nurture.domain.subscribers.consent import OWN_WORDINGS, Evidence, Scope, said_where
from nurture.domain.subscribers.preferences import PreferenceChange, UnclearWishError
from nurture.services.door.site_keys import UnknownSiteError
from nurture.services.evidence.bundle import KEY_PATH
from nurture.services.subscribers import links, requests
from nurture.services.subscribers import preferences as choices
from nurture.services.subscribers.erasure import BeingMailedError
from nurture.services.subscribers.guide import GuideOffer, collect_guide, find_guide
from nurture.services.subscribers.links import LinkSubject, NobodyLeftError
from nurture.services.subscribers.requests import Asked
from nurture.services.subscribers.subscription import Preferences
from nurture.store.database import DatabaseUnavailableError
from nurture.tokens import OutdatedTokenError, TokenRefusedError
from nurture.web import forms
from nurture.web.complaints import COMPLAINT_BYTES, ComplaintForm
from nurture.web.confirmations import Confirmations
from nurture.web.connect import ConnectPage, show_unknown_key
from nurture.web.forms import UnknownChoiceError, seen_evidence
from nurture.web.views import Views
from nurture.web.why import WhyPage

#: The token in a URL must reach no other site, no search engine and no frame.
PAGE_GUARDS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}

#: Safari lays a PDF out with styles of its own, which this policy would forbid, and the guide would
#: be the size of a stamp. A PDF served as such has no scripts or forms to guard against.
GUIDE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

#: Far more than any form here sends, and little enough to accept from anyone.
FORM_BYTES = 16 * 1024


class Pages(Views):
    """The views, each a translation from HTTP to a service and back.

    Each answers 404 with a friendly page if the token does not verify, or if the person has been
    erased, and then says so. Only unsubscribing always works: if the token verifies, pressing the
    button is always answered with no more emails. A token that verifies only with a leaked key
    can opt out, but shows nothing and cannot give consent.
    """

    def show_guide(self, token: str) -> str:
        """Show what pressing the button will do."""
        return guide_page(self._offer(token))

    def hand_over_guide(self, token: str) -> Response | tuple[str, int]:
        """Return the guide, which confirms the address and starts the series."""
        offer, context = self._offer(token), self.context
        enrolment = context.tokens.read_guide(token)
        try:
            answers = forms.read_answers(request.form)
        except UnknownChoiceError as error:
            return guide_page(offer, problem=str(error)), 422
        guide = collect_guide(
            *context.stored,
            context.guide_files,
            enrolment,
            answers.wanted,
            self._seen(),
            context.clock(),
            answers.shown,
        )
        if guide is None:
            raise links.nobody_behind_enrolment(context.database, enrolment)
        context.doorbell.ring()
        return pdf(guide.path, guide.filename)

    def show_preferences(self, token: str) -> str:
        """Show what we may currently send, how often, and what we may track."""
        if self.context.tokens.is_outdated(token):
            return self._less(token)
        return preferences_page(self._preferences(self._whose_preferences(token)))

    def change_preferences(self, token: str) -> str | tuple[str, int]:
        """Apply the form, and show the preferences now in force.

        The buttons for exporting one's data and for erasure are on the same page and post here too.
        """
        if self.context.tokens.is_outdated(token):
            return self._want_less(token)
        subscriber = self._whose_preferences(token)
        present = self._preferences(subscriber)
        try:
            asked_for = forms.read_request(request.form)
            if asked_for:
                return self._ask(subscriber, asked_for, present)
            kept = self._change(subscriber, forms.read_change(request.form))
        except (UnknownChoiceError, UnclearWishError) as error:
            return preferences_page(present, problem=str(error)), 422
        return preferences_page(kept or self._preferences(subscriber), saved=True)

    def show_unsubscribe(self, token: str) -> str:
        """Show one button, and the option of fewer emails instead."""
        return self._way_out("unsubscribe.html", token)

    def unsubscribe(self, token: str) -> str | tuple[str, int]:
        """Stop all emails immediately (RFC 8058 section 3.2), or undo that, wholly or in part.

        A mailbox provider's one-click request and the button on the page are the same. Whatever
        else the body says, it stops the emails, because an opt-out must never be lost on a
        formality; only an invalid undo is queried, since it may have meant the opposite.
        """
        subscriber, message = self.context.tokens.read_unsubscribe(token)
        whose = self.context.tokens.read_whose(request.args.get("a", ""))
        kept_in, now = self.context.stored, self.context.clock()
        try:
            kept, undone = forms.read_kept(request.form), forms.read_undo(request.form)
        except UnknownChoiceError as error:
            return self._way_out("unsubscribe.html", token, problem=str(error)), 422
        except RequestEntityTooLarge:
            kept, undone = None, False
        if (kept or undone) and self.context.tokens.is_outdated(token):
            return _show_outdated()
        if kept:
            return self._keep_only(token, subscriber, kept)
        if undone:
            choices.resubscribe(*kept_in, subscriber, self._seen(), now, whose)
            return self._way_out("resubscribed.html", token)
        choices.unsubscribe(*kept_in, subscriber, message, self._seen(), now, whose)
        return self._way_out("unsubscribed.html", token)

    def _keep_only(self, token: str, subscriber: int, kept: Scope) -> str | tuple[str, int]:
        stored, now = self.context.stored, self.context.clock()
        if choices.keep_only(*stored, subscriber, kept, self._seen(), now):
            return self._way_out("resubscribed.html", token)
        problem = "That is not possible any more. Nothing has been changed."
        return self._way_out("unsubscribe.html", token, problem=problem), 422

    def _change(self, subscriber: int, change: PreferenceChange) -> Preferences | None:
        context = self.context
        return choices.change_preferences(
            *context.stored, subscriber, change, self._seen(), context.clock()
        )

    def _less(self, token: str, saved: bool = False, problem: str = "") -> str:
        """Show the choices open to a link that anyone may have made; it shows no personal data."""
        self._whose_preferences(token)
        return render_template("less.html", saved=saved, problem=problem)

    def _want_less(self, token: str) -> str | tuple[str, int]:
        subscriber, context = self._whose_preferences(token), self.context
        if "ask" in request.form:
            return _show_outdated()
        try:
            change = forms.read_change(request.form)
        except UnknownChoiceError as error:
            return self._less(token, problem=str(error)), 422
        choices.want_less(*context.stored, subscriber, change, self._seen(), context.clock())
        return self._less(token, saved=True)

    def _ask(self, subscriber: int, asked_for: Request, present: Preferences) -> str:
        context = self.context
        asked = requests.ask(*context.stored, subscriber, asked_for, context.clock())
        if asked is None:
            links.get_present(context.database, subscriber)
        context.doorbell.ring()
        return preferences_page(present, asked=(asked_for, asked or Asked.UNREACHABLE))

    def _seen(self) -> Evidence:
        return seen_evidence(self.context.settings.public_url)

    def _offer(self, token: str) -> GuideOffer:
        enrolment, context = self.context.tokens.read_guide(token), self.context
        offer = find_guide(*context.stored, enrolment)
        if offer is None:
            raise links.nobody_behind_enrolment(context.database, enrolment)
        return offer

    def _whose_preferences(self, token: str) -> int:
        subscriber = self.context.tokens.read_preferences(token)
        return links.get_present(self.context.database, subscriber)

    def _preferences(self, subscriber: int) -> Preferences:
        """Return the preferences of a person just found; raise `NobodyLeftError`."""
        now = self.context.clock()
        found = choices.find_preferences(*self.context.stored, subscriber, now)
        if found is None:
            links.get_present(self.context.database, subscriber)
            raise NobodyLeftError(LinkSubject.GONE)
        return found

    def _way_out(self, page: str, token: str, problem: str = "") -> str:
        """Render an unsubscribe page, which works even if nothing is known about the person."""
        subscriber, _ = self.context.tokens.read_unsubscribe(token)
        if self.context.tokens.is_outdated(token):
            return render_template(f"outdated_{page}", problem=problem)
        try:
            number = links.get_present(self.context.database, subscriber)
            preferences = self._preferences(number)
        except NobodyLeftError as nobody:
            if nobody.trace is LinkSubject.ERASED:
                return gone_page(nobody.trace)
            return render_template(page, preferences=None, preferences_url=None, problem=problem)
        own_page = url_for("pages.show_preferences", token=self.context.tokens.preferences(number))
        return render_template(
            page, preferences=preferences, preferences_url=own_page, problem=problem
        )


def create_pages(context: Context) -> Blueprint:
    """Return the blueprint `pages`, to be registered at the root of the site.

    Its stylesheet is served under `/pages/`. An error inside a view is logged by Flask and answered
    with a page that asks the visitor to return in a minute (503).
    """
    pages = Blueprint(
        "pages",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/pages",
    )
    _route(pages, Pages(context), Confirmations(context))
    pages.get("/why/<token>")(WhyPage(context).show_why)
    pages.get("/connect/<key>")(ConnectPage(context).show_connect)
    _route_complaints(pages, ComplaintForm(context))
    pages.before_request(_read_little)
    pages.after_request(_guard)
    pages.context_processor(
        lambda: {"practice": context.practice, "wordings": OWN_WORDINGS, "said_where": said_where}
    )
    pages.register_error_handler(TokenRefusedError, _show_not_found)
    pages.register_error_handler(OutdatedTokenError, _show_outdated)
    pages.register_error_handler(UnknownSiteError, show_unknown_key)
    pages.register_error_handler(404, _show_not_found)
    pages.register_error_handler(NobodyLeftError, _show_gone)
    pages.register_error_handler(DatabaseUnavailableError, _show_unavailable)
    pages.register_error_handler(BeingMailedError, _show_unavailable)
    pages.register_error_handler(500, _show_unavailable)
    return pages


def _route(pages: Blueprint, views: Pages, confirmations: Confirmations) -> None:
    for path, show, act in (
        ("/guide/<token>", views.show_guide, views.hand_over_guide),
        ("/preferences/<token>", views.show_preferences, views.change_preferences),
        ("/unsubscribe/<token>", views.show_unsubscribe, views.unsubscribe),
        ("/confirm/<token>", confirmations.show, confirmations.confirm),
    ):
        pages.get(path)(show)
        pages.post(path)(act)


def _route_complaints(pages: Blueprint, form: ComplaintForm) -> None:
    for path in ("/complaint", "/complaint/<token>"):
        pages.get(path, endpoint="show_complaint")(form.show)
        pages.post(path, endpoint="complain")(form.complain)
    pages.get(KEY_PATH)(form.show_key)


def _read_little() -> None:
    complains = request.endpoint == "pages.complain"
    request.max_content_length = COMPLAINT_BYTES if complains else FORM_BYTES


def _guard(response: Response) -> Response:
    for name, value in PAGE_GUARDS.items():
        response.headers.setdefault(name, value)
    # The stylesheet has a rule of its own and may be cached.
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _show_not_found(error: Exception) -> tuple[str, int]:
    return render_template("not_found.html"), 404


def _show_outdated(error: Exception | None = None) -> tuple[str, int]:
    return render_template("outdated.html"), 410


def _show_gone(nobody: NobodyLeftError) -> tuple[str, int]:
    return gone_page(nobody.trace), 404


def _show_unavailable(error: Exception) -> tuple[str, int, dict[str, str]]:
    return render_template("unavailable.html"), 503, {"Retry-After": "60"}


def gone_page(trace: LinkSubject) -> str:
    """Render the page that says what is left of a person: practically nothing."""
    page = "not_found.html" if trace is LinkSubject.UNKNOWN else "gone.html"
    return render_template(page, trace=trace, days=UNCOLLECTED_FOR.days)


def guide_page(offer: GuideOffer, problem: str = "") -> str:
    """Render the page that offers a guide."""
    return render_template("guide.html", guide=offer, problem=problem)


def preferences_page(
    preferences: Preferences,
    saved: bool = False,
    problem: str = "",
    asked: tuple[Request, Asked] | None = None,
) -> str:
    """Render one subscriber's preferences and the outcome of any request."""
    return render_template(
        "preferences.html", preferences=preferences, saved=saved, problem=problem, asked=asked
    )


def pdf(path: Path, filename: str) -> Response:
    """Return a PDF to be read in the browser if possible, and never cached on the way."""
    response = send_file(
        path, mimetype="application/pdf", download_name=filename, conditional=False, etag=False
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = GUIDE_POLICY
    return response
