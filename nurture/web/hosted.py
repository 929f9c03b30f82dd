"""The pages of a hosted form: the form, the question about its address, thanks, and apologies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Response, render_template, send_file, url_for

from nurture.domain.practice import Practice
from nurture.domain.subscribers.consent import OWN_WORDINGS, Purpose
from nurture.services.door.hosted import HostedForm
from nurture.services.door.origins import AllowedOrigins, origin_of

#: A field that people do not see, and that programs fill in. Browsers have no word for it either.
TRAP = "season"

#: What runs, and only where something has to: the proof of work, and telling a frame's height.
_SCRIPTS = "script-src 'self'; worker-src 'self'; "

_SCRIPT = Path(__file__).parent / "static/embed.js"

_GUARDS = {
    # Our own form tells us by its `Origin` that it is ours.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What a visitor has typed and ticked so far."""

    email: str = ""
    first_name: str = ""
    ticked: tuple[Purpose, ...] = ()


@dataclass(frozen=True, slots=True)
class FormPlace:
    """Where a form is shown: `embedded` in a frame on `page_url`, for visitors who came by `utm`.

    `thanks` is the page of thanks that the website asks for, and `made` the token of an earlier
    page that this one replaces.
    """

    embedded: bool = False
    page_url: str = ""
    utm: Mapping[str, str] = field(default_factory=dict)
    thanks: str = ""
    made: str = ""


@dataclass(frozen=True, slots=True)
class Showing:
    """Everything that the pages of one form are made from."""

    practice: Practice
    form: HostedForm
    around: FormPlace = field(default_factory=FormPlace)
    typed: Typed = field(default_factory=Typed)


def form_page(showing: Showing, problem: str = "", fault: str = "", status: int = 200) -> Response:
    """Return the page of a form; `fault` is a sentence beside the address."""
    form = showing.form
    hidden = _hidden(showing) | {"boxes": " ".join(form.boxes)}
    if form.challenge:
        hidden |= {"challenged": "1"}
    return _page("form", showing, status, hidden=hidden, trap=TRAP, problem=problem, fault=fault)


def question_page(showing: Showing, meant: str, sent: Mapping[str, str]) -> Response:
    """Return the page that asks whether an address is meant as written.

    `sent` are the fields of the proof of work, which the answer repeats.
    """
    boxes = {"boxes": " ".join(showing.form.boxes), "asked": showing.typed.email}
    return _page("did_you_mean", showing, hidden={**_hidden(showing), **boxes, **sent}, meant=meant)


def thanks_page(practice: Practice, form: HostedForm, *, embedded: bool) -> Response:
    """Return our page of thanks, which says the same whatever became of the form."""
    html = render_template(
        "hosted/thanks.html",
        practice=practice,
        title=form.title,
        embedded=embedded,
        parent="",
        key=form.key,
    )
    return _guarded(html, 200, policy(form.allowed))


def apology_page(practice: Practice, page: str, status: int, **values: str) -> Response:
    """Return one of the pages that say that there is no form, or no answer at the moment."""
    html = render_template(
        f"hosted/{page}.html", practice=practice, embedded=False, parent="", key="", **values
    )
    return _guarded(html, status, policy(AllowedOrigins()))


def policy(allowed: AllowedOrigins, thanks_url: str = "", *, scripts: bool = False) -> str:
    """Return the content security policy of a page that these sites may show in a frame."""
    ancestors = " ".join(("'self'", *allowed.all))
    # Browsers apply this to the page that the answer redirects to as well.
    targets = " ".join(filter(None, ("'self'", origin_of(thanks_url))))
    return (
        f"default-src 'none'; style-src 'self'; img-src 'self' data:; "
        f"{_SCRIPTS if scripts else ''}form-action {targets}; base-uri 'none'; "
        f"frame-ancestors {ancestors}"
    )


def embed_script() -> Response:
    """Return the script that puts a form into a website; it may be kept for an hour."""
    script = send_file(_SCRIPT, mimetype="text/javascript", max_age=3600)
    script.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return script


def _page(name: str, showing: Showing, status: int = 200, **values: Any) -> Response:
    form, around = showing.form, showing.around
    top = around.embedded and bool(form.thanks_url)
    parent = origin_of(around.page_url) if around.embedded else ""
    html = render_template(
        f"hosted/{name}.html",
        practice=showing.practice,
        wordings=OWN_WORDINGS,
        form=form,
        key=form.key,
        typed=showing.typed,
        embedded=around.embedded,
        parent=parent,
        top=top,
        action=_action(showing, top=top),
        **values,
    )
    scripts = bool(form.challenge or parent)
    return _guarded(html, status, policy(form.allowed, form.thanks_url, scripts=scripts))


def _action(showing: Showing, *, top: bool) -> str:
    """Return where a form is sent; in a frame, the answer is shown in the frame as well."""
    around, key = showing.around, showing.form.key
    if not around.embedded or top:
        return url_for("hosted.send", form=key)
    return url_for("hosted.send", form=key, embed="1", page=around.page_url or None)


def _hidden(showing: Showing) -> dict[str, str]:
    form, around = showing.form, showing.around
    return {
        **{name: value for name, value in around.utm.items() if value},
        "made": around.made or form.made,
        "seen": form.seen,
        **({"page_url": around.page_url} if around.page_url else {}),
        **({"thanks": around.thanks} if around.thanks else {}),
    }


def _guarded(html: str, status: int, rules: str) -> Response:
    return Response(
        html, status, {**_GUARDS, "Content-Security-Policy": rules}, mimetype="text/html"
    )
