"""Answers for requests that cannot be carried out, and pages that ask for confirmation."""

from collections.abc import Mapping

from flask import Blueprint, render_template, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from nurture.domain.errors import NurtureError
from nurture.files.disk import DiskFullError
from nurture.store.database import DatabaseUnavailableError

_TITLES = {
    400: "Please try that once more",
    403: "Please sign in again",
    404: "There is no such page",
    413: "That is too large",
}


def put_into(studio: Blueprint) -> None:
    """Register error handlers for all studio views, and for URLs without a view."""
    studio.add_url_rule("/<path:anything>", view_func=_no_such_page)
    studio.register_error_handler(DatabaseUnavailableError, _unavailable)
    studio.register_error_handler(DiskFullError, _full)
    studio.register_error_handler(NurtureError, _refused)
    studio.register_error_handler(HTTPException, _failed)
    studio.register_error_handler(500, _broken)


def confirm_page(
    title: str,
    sentence: str,
    *,
    button: str,
    action: str,
    back: str,
    fields: Mapping[str, str] | None = None,
    facts: tuple[str, ...] = (),
    danger: bool = False,
) -> str:
    """Render a page that asks before doing something that cannot easily be undone.

    `facts` are sentences about what will happen; `fields` are sent with the button;
    `back` is where "No" leads.
    """
    return render_template(
        "studio/confirm.html",
        title=title,
        sentence=sentence,
        button=button,
        action=action,
        back=back,
        fields=fields or {},
        facts=facts,
        danger=danger,
    )


def problem_page(title: str, sentence: str, status: int) -> tuple[str, int]:
    """Render a page that says what went wrong and where to continue."""
    back = url_for("studio.show_today")
    return render_template("studio/problem.html", title=title, sentence=sentence, back=back), status


def _no_such_page(anything: str) -> tuple[str, int]:
    return problem_page(_TITLES[404], "It may have been moved or removed.", 404)


def _refused(error: NurtureError) -> tuple[str, int]:
    return problem_page("That did not work", str(error), 422)


def _full(error: DiskFullError) -> tuple[str, int, dict[str, str]]:
    page, status = problem_page("There is no room for that", str(error), 503)
    return page, status, {"Retry-After": "300"}


def _failed(error: HTTPException) -> tuple[str, int] | Response:
    if error.response is not None:
        return error.get_response()
    code = error.code or 500
    if code >= 500:
        return _broken(error)
    return problem_page(_TITLES.get(code, "That did not work"), error.description or "", code)


def _broken(error: Exception) -> tuple[str, int]:
    return problem_page(
        "Something went wrong", "It has been noted in the program's log. Please try again.", 500
    )


def _unavailable(error: DatabaseUnavailableError) -> tuple[str, int, dict[str, str]]:
    page = render_template("studio/unavailable.html")
    return page, 503, {"Retry-After": "30"}
