"""Answers for visitors: a browser that sends a form by itself never sees a problem document."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Request, Response, g, request, url_for
from werkzeug.exceptions import HTTPException

from nurture import builders
from nurture.bootstrap import Context
from nurture.builders.fields.signup_body import InvalidSignupError, read_utm
from nurture.domain.errors import NurtureError
from nurture.domain.subscribers.tick_boxes import read_ticks
from nurture.library.reading import LibraryError
from nurture.services.door.hosted import HostedForm, find_hosted
from nurture.services.subscribers.signup import UnknownFormError
from nurture.web.hosted import FormPlace, Showing, Typed, apology_page, form_page
from webhooks.callers import client_of
from webhooks.problems import from_error, from_http

#: What a program gets: the same bytes for a new, a known and a suppressed address.
ACCEPTED = b'{"status":"accepted"}\n'

#: Where visitors look for a form, however they spell it.
_OF_FORMS = ("/f/", "/webhooks/signup/")

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

#: What to say above the form, by the status that a program would get.
_PROBLEMS = {
    HTTPStatus.FORBIDDEN: (
        "This was sent from a website that may not use our form. Please press the button here."
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: "Please check your email address.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "That was far too long. Please write a little less.",
}
_PROBLEM = "That did not work. Please send your address from this page."

_NO_ADDRESS = "Please enter your email address."
_ODD_ADDRESS = "This is not a complete email address. Please look at it again."


def is_visitor(request: Request) -> bool:
    """Return whether a browser shows the answer to a person, as opposed to giving it to a script.

    Browsers that say nothing about that send a form as only forms are sent.
    """
    mode = request.headers.get("Sec-Fetch-Mode")
    shows = mode == "navigate" or (mode is None and request.mimetype in _FORMS)
    return shows and "text/html" in request.headers.get("Accept", "")


def answer_errors(blueprint: Blueprint, context: Context) -> None:
    """Answer the errors of a form's routes: to visitors with a page, to programs with a problem."""

    @blueprint.errorhandler(NurtureError)
    def answer_ours(error: NurtureError) -> Response:
        return _answer(context, from_error(error), error)

    @blueprint.errorhandler(HTTPException)
    def answer_http(error: HTTPException) -> Response:
        return _answer(context, from_http(error), error)


def answer_lost(context: Context) -> Callable[[HTTPException], Response]:
    """Return what answers an address that does not exist: a page to someone who looks for a form.

    Everyone else gets a problem document.
    """

    def answer(error: HTTPException) -> Response:
        reads = request.method in ("GET", "HEAD") and "text/html" in request.headers.get(
            "Accept", ""
        )
        if reads and request.path.casefold().startswith(_OF_FORMS):
            with suppress(NurtureError, LibraryError, OSError):
                return apology_page(context.practice, "no_form", HTTPStatus.NOT_FOUND)
        return from_http(error)

    return answer


def _is_shown(request: Request) -> bool:
    """Return whether a browser opens an address to show it."""
    reads = request.method in ("GET", "HEAD")
    return reads and "text/html" in request.headers.get("Accept", "")


def thank(context: Context, hosted: HostedForm, *, embedded: bool = False) -> Response:
    """Redirect a visitor to the page of thanks: the site's own, or ours."""
    ours = url_for("hosted.thank", form=hosted.key, embed="1" if embedded else None)
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": hosted.thanks_url or ours})


def surroundings(hosted: HostedForm, sent: Mapping[str, Any], page_url: object) -> FormPlace:
    """Return where a form is shown, judging by what the page or its address says."""
    page = page_url if isinstance(page_url, str) and hosted.allowed.covers(page_url) else ""
    wanted = text_of(sent, "thanks")
    return FormPlace(
        embedded="embed" in request.args,
        page_url=page[:2000],
        utm=read_utm(sent),
        thanks=wanted if hosted.allowed.covers(wanted) else "",
        made=text_of(sent, "made")[:200],
    )


def typed(sent: Mapping[str, Any]) -> Typed:
    """Return what a visitor has typed, from the fields of any form."""
    read = builders.read_form(sent)
    fields = read.fields if read else {}
    return Typed(
        email=text_of(fields, "email")[:254],
        first_name=(text_of(fields, "first_name") or text_of(fields, "name"))[:200],
        ticked=read_ticks(fields.get("consent")).purposes,
    )


def text_of(sent: Mapping[str, Any], name: str) -> str:
    """Return a field if it is a text, or ""."""
    value = sent.get(name)
    return value.strip() if isinstance(value, str) else ""


def address_fault(sent: Mapping[str, Any]) -> str:
    """Return the sentence beside an address that cannot be one."""
    return _ODD_ADDRESS if typed(sent).email else _NO_ADDRESS


def _answer(context: Context, problem: Response, error: Exception) -> Response:
    """Return the problem, or the page that says the same to a visitor."""
    if not (request.method in ("GET", "HEAD") or is_visitor(request)):
        return problem
    with suppress(NurtureError, LibraryError, OSError):
        page = _page(context, problem, error)
        g.problem = problem.get_json(silent=True, force=True)
        page.headers.extend([(k, v) for k, v in problem.headers if k == "Retry-After"])
        return page
    return problem


def _page(context: Context, problem: Response, error: Exception) -> Response:
    status = HTTPStatus(problem.status_code)
    practice = context.practice
    if isinstance(error, UnknownFormError):
        return apology_page(practice, "no_form", status)
    if status >= 500 or status is HTTPStatus.TOO_MANY_REQUESTS:
        wait = "an hour" if status is HTTPStatus.TOO_MANY_REQUESTS else "a minute"
        return apology_page(practice, "unavailable", status, wait=wait)
    sent: Mapping[str, Any] = g.get("sent_fields", {})
    key = str((request.view_args or {}).get("form", ""))
    try:
        hosted = find_hosted(
            context.door, key, client_of(request), context.clock(), text_of(sent, "thanks")
        )
    except UnknownFormError:
        return apology_page(practice, "no_form", HTTPStatus.NOT_FOUND)
    around = surroundings(hosted, sent, sent.get("page_url"))
    showing = Showing(practice, hosted, around, typed(sent))
    fault = address_fault(sent) if isinstance(error, InvalidSignupError) else ""
    return form_page(showing, _PROBLEMS.get(status, _PROBLEM), fault, status)
