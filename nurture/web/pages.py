"""The pages a subscriber sees: the guide, the preferences and the way out.

A GET shows and changes nothing, because scanners follow links and run scripts; a POST acts. The
token in the address is the whole capability. There are no cookies, so there is nothing that a
foreign site could make a browser send along.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    Response,
    abort,
    render_template,
    request,
    send_file,
    url_for,
)

from nurture.domain.consent import OWN_WORDINGS, said_where
from nurture.domain.sequence import Request
from nurture.services import preferring, requesting, subscribing
from nurture.services.forgetting import BeingMailedError
from nurture.services.preferring import Preferences
from nurture.services.requesting import Asked
from nurture.services.subscribing import GuideOffer
from nurture.store.session import DatabaseUnavailableError
from nurture.tokens import TokenRefusedError
from nurture.web.confirmations import Confirmations
from nurture.web.forms import (
    UnknownChoiceError,
    read_answers,
    read_change,
    read_request,
    read_undo,
    seen_evidence,
)

if TYPE_CHECKING:
    from nurture.bootstrap import House

#: A token in an address must reach no other site, no search engine and no frame.
PAGE_GUARDS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}

#: Safari lays a PDF out with styles of its own and lets this policy forbid them, which shows the
#: guide the size of a stamp. A PDF served as one has neither scripts nor forms to be kept from.
GUIDE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

#: Far more than any form here sends, and little enough to read from anybody.
FORM_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Pages:
    """The views, each a translation from HTTP to a service and back.

    Every one of them answers 404 with a kind page where the token does not verify or belongs to
    somebody who has been erased.
    """

    house: House

    def show_guide(self, token: str) -> str:
        """What pressing the button will do."""
        return guide_page(self._offer(token))

    def hand_over_guide(self, token: str) -> Response | tuple[str, int]:
        """The guide itself, which confirms the address and starts the series."""
        offer, house = self._offer(token), self.house
        try:
            answers = read_answers(request.form)
        except UnknownChoiceError as error:
            return guide_page(offer, problem=str(error)), 422
        guide = subscribing.collect_guide(
            house.database,
            house.catalogue,
            house.shelf,
            house.tokens.read_guide(token),
            answers,
            seen_evidence(),
            house.clock(),
        ) or abort(404)
        house.doorbell.ring()
        return pdf(guide.path, guide.filename)

    def show_preferences(self, token: str) -> str:
        """How often we write at present, and what we may notice."""
        return preferences_page(self._preferences(self.house.tokens.read_preferences(token)))

    def change_preferences(self, token: str) -> str | tuple[str, int]:
        """Takes over what the form says, and shows what holds from now on.

        The buttons for one's data and for one's erasure are on the same page and lead here too.
        """
        subscriber = self.house.tokens.read_preferences(token)
        present = self._preferences(subscriber)
        try:
            asked_for = read_request(request.form)
            if asked_for:
                return self._ask(subscriber, asked_for, present)
            change = read_change(request.form)
        except UnknownChoiceError as error:
            return preferences_page(present, problem=str(error)), 422
        house = self.house
        kept = preferring.change_preferences(
            house.database, house.catalogue, subscriber, change, seen_evidence(), house.clock()
        ) or abort(404)
        return preferences_page(kept, saved=True)

    def show_unsubscribe(self, token: str) -> str:
        """One button, and the way to fewer emails instead."""
        subscriber, _ = self.house.tokens.read_unsubscribe(token)
        return self._way_out("unsubscribe.html", subscriber, self._preferences(subscriber))

    def unsubscribe(self, token: str) -> str | tuple[str, int]:
        """Stops all emails at once (RFC 8058 section 3.2), or undoes that where asked to.

        A mailbox provider's one-click and the button on the page are the same request. Whatever
        else the body says, it stops the emails, because a no must never be lost on a formality;
        only an undo that is none is asked about, since it may have meant the opposite.
        """
        subscriber, message = self.house.tokens.read_unsubscribe(token)
        present = self._preferences(subscriber)
        kept_in, now = (self.house.database, self.house.catalogue), self.house.clock()
        try:
            undone = read_undo(request.form)
        except UnknownChoiceError as error:
            return self._way_out("unsubscribe.html", subscriber, present, problem=str(error)), 422
        if undone:
            preferring.resubscribe(*kept_in, subscriber, seen_evidence(), now)
            return self._way_out("resubscribed.html", subscriber, present)
        preferring.unsubscribe(*kept_in, subscriber, message, seen_evidence(), now)
        return self._way_out("unsubscribed.html", subscriber, present)

    def _ask(self, subscriber: int, asked_for: Request, present: Preferences) -> str:
        house = self.house
        asked = requesting.ask(
            house.database, house.catalogue, subscriber, asked_for, house.clock()
        ) or abort(404)
        house.doorbell.ring()
        return preferences_page(present, asked=(asked_for, asked))

    def _offer(self, token: str) -> GuideOffer:
        enrolment = self.house.tokens.read_guide(token)
        house = self.house
        return subscribing.find_guide(house.database, house.catalogue, enrolment) or abort(404)

    def _preferences(self, subscriber: int) -> Preferences:
        now = self.house.clock()
        return preferring.find_preferences(self.house.database, subscriber, now) or abort(404)

    def _way_out(
        self, page: str, subscriber: int, preferences: Preferences, problem: str = ""
    ) -> str:
        token = self.house.tokens.preferences(subscriber)
        return render_template(
            page,
            preferences=preferences,
            preferences_url=url_for("pages.show_preferences", token=token),
            problem=problem,
        )


def create_pages(house: House) -> Blueprint:
    """The blueprint `pages`, to be registered at the root of the site.

    Its stylesheet lives under `/pages/`. Whatever goes wrong inside a view is logged by Flask and
    answered with a page that asks to come back in a minute (503).
    """
    pages = Blueprint(
        "pages",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/pages",
    )
    _route(pages, Pages(house), Confirmations(house))
    pages.before_request(_read_little)
    pages.after_request(_guard)
    pages.context_processor(
        lambda: {"practice": house.practice, "wordings": OWN_WORDINGS, "said_where": said_where}
    )
    pages.register_error_handler(TokenRefusedError, _show_not_found)
    pages.register_error_handler(404, _show_not_found)
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
        pages.add_url_rule(path, view_func=show, methods=["GET"])
        pages.add_url_rule(path, view_func=act, methods=["POST"])


def _read_little() -> None:
    request.max_content_length = FORM_BYTES


def _guard(response: Response) -> Response:
    for name, value in PAGE_GUARDS.items():
        response.headers.setdefault(name, value)
    # The stylesheet comes with a rule of its own and may be kept.
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _show_not_found(error: Exception) -> tuple[str, int]:
    return render_template("not_found.html"), 404


def _show_unavailable(error: Exception) -> tuple[str, int, dict[str, str]]:
    return render_template("unavailable.html"), 503, {"Retry-After": "60"}


def guide_page(offer: GuideOffer, problem: str = "") -> str:
    """The page that offers a guide."""
    return render_template("guide.html", guide=offer, problem=problem)


def preferences_page(
    preferences: Preferences,
    saved: bool = False,
    problem: str = "",
    asked: tuple[Request, Asked] | None = None,
) -> str:
    """The page that shows what holds for one subscriber, and what became of what they asked."""
    return render_template(
        "preferences.html", preferences=preferences, saved=saved, problem=problem, asked=asked
    )


def pdf(path: Path, filename: str) -> Response:
    """A PDF to be read in the browser where it can, and kept by nobody on the way."""
    response = send_file(
        path,
        mimetype="application/pdf",
        download_name=filename,
        conditional=False,
        etag=False,
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = GUIDE_POLICY
    return response
