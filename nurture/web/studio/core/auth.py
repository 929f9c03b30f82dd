"""Access control for the studio, and the security headers of every page.

Nothing is answered without a session unless it is listed in `OPEN`. The cookie contains a random
identifier, before signing in as well as after, and every form carries a value derived from it.
No library is used for this: those store the value in a signed Flask session, which this program
does not have.
"""

from hashlib import blake2b
from hmac import compare_digest
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as Answer

from nurture.bootstrap import Context
from nurture.domain.sessions import SESSION_LASTS
from nurture.services.imports import uploads
from nurture.services.owner import sessions
from nurture.services.owner.credentials import new_identifier
from nurture.services.owner.sessions import SignedIn
from nurture.services.publishing import guides

_COOKIE = "studio"

#: The views that a stranger may reach.
OPEN = frozenset(
    f"studio.{name}"
    for name in ("static", "show_sign_in", "sign_in", "show_welcome", "accept_welcome")
)
#: The views open to someone whose password was right and whose code is still outstanding.
HALF_OPEN = frozenset(f"studio.{name}" for name in ("show_code", "give_code", "sign_out"))

#: The most that is read from anyone, except by the views that accept a file.
FORM_BYTES = 1024 * 1024
FILE_BYTES = {
    "studio.upload_guide": guides.LARGEST + FORM_BYTES,
    "studio.upload_list": uploads.LARGEST + FORM_BYTES,
}

GUARDS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_READING = ("GET", "HEAD", "OPTIONS")

#: The largest number that one of our rows can have.
LARGEST_NUMBER = 2**31 - 1


def put_into(studio: Blueprint, context: Context) -> None:
    """Require a signed-in owner on every studio URL."""
    studio.before_request(lambda: _admit(context))
    studio.after_request(lambda response: _guard(context, response))
    studio.add_app_template_global(csrf_token)
    studio.add_app_template_global(style_nonce)
    studio.context_processor(
        lambda: {"owner": g.get("owner"), "mails_stay": context.where_mails_stay}
    )


def is_secure(context: Context) -> bool:
    """Return whether browsers connect only over TLS."""
    return context.settings.public_url.startswith("https:")


def cookie_name(context: Context, name: str = _COOKIE) -> str:
    """Return a cookie's name; a prefix restricts it to TLS if used (RFC 6265bis §4.1.3)."""
    return f"__Secure-{name}" if is_secure(context) else name


def signed_in() -> SignedIn:
    """Return the signed-in owner; only for views that require a session."""
    owner: SignedIn = g.owner
    return owner


def is_known() -> bool:
    """Return whether the caller is fully signed in, with no code outstanding."""
    return g.owner is not None and not g.owner.awaits_code


def let_in(signed: SignedIn) -> None:
    """Give the browser the identifier of its new session."""
    g.owner, g.browser, g.cookie_is_new = signed, signed.identifier, True


def show_out() -> None:
    """Give the browser an identifier that belongs to no session."""
    g.owner, g.browser, g.cookie_is_new = None, new_identifier(), True


def csrf_token() -> str:
    """Return the value every form must carry, as `csrf_token` or in the header `X-CSRF-Token`."""
    return blake2b(g.browser.encode(), digest_size=24, person=b"studio-form").hexdigest()


def style_nonce() -> str:
    """Return the nonce that lets scripts on this page add styles; all other pages forbid it."""
    nonce: str = g.setdefault("style_nonce", new_identifier())
    return nonce


def safe_next(address: str | None) -> str:
    """Return where to go after signing in: always a studio URL, whatever was requested."""
    start = url_for("studio.show_today")
    if not address or not address.isprintable() or "\\" in address:
        return start
    parts = urlsplit(address)
    inside = not parts.scheme and not parts.netloc and parts.path.startswith("/studio/")
    return address if inside else start


def _admit(context: Context) -> Answer | None:
    request.max_content_length = FILE_BYTES.get(request.endpoint or "", FORM_BYTES)
    cookie = request.cookies.get(cookie_name(context))
    g.browser = cookie or new_identifier()
    g.owner, g.cookie_is_new = None, not cookie
    endpoint = request.endpoint or ""
    if endpoint == "studio.static":
        return None
    if cookie:
        g.owner = sessions.find_signed_in(context.database, cookie, context.clock())
    turned_away = None if _may_enter(endpoint) else _turn_away()
    if turned_away is None:
        _insist_on_own_form(context)
        _insist_on_what_can_be_kept()
    return turned_away


def _may_enter(endpoint: str) -> bool:
    if endpoint in OPEN:
        return True
    owner: SignedIn | None = g.owner
    return owner is not None and (not owner.awaits_code or endpoint in HALF_OPEN)


def _turn_away() -> Answer:
    """Redirect to the sign-in page and back, or refuse the request if it would change anything."""
    if request.method not in _READING:
        abort(403, "You are not signed in any more. Nothing has been changed.")
    page = "studio.show_code" if g.owner else "studio.show_sign_in"
    if "HX-Request" in request.headers:
        return Response(status=204, headers={"HX-Redirect": url_for(page)})
    wanted = request.full_path.rstrip("?")
    return redirect(url_for(page, next=wanted), 303)


def _insist_on_own_form(context: Context) -> None:
    """Let only a form on a studio page, shown to this browser, change anything."""
    if request.method in _READING:
        return
    said = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    from_here = request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
    if not from_here or not compare_digest(said.encode(), csrf_token().encode()):
        abort(400, f"{_what_is_the_matter(context, from_here)} Nothing has been changed.")


def _what_is_the_matter(context: Context, from_here: bool) -> str:
    """Return why a form was refused, in terms the owner can act on.

    The browser's own account of its origin is used, as a proxy may have changed the rest.
    """
    public_url = context.settings.public_url
    opened, right = request.headers.get("Origin", ""), f"{public_url}/studio/"
    if not from_here:
        return f"This was sent from another website. Open {right} and do it there."
    if cookie_name(context) in request.cookies:
        return "This page had been open for too long. Open it again and repeat what you did."
    if public_url.startswith("https:") and opened.startswith("http:"):
        return (
            f"You opened {opened}, where your browser cannot keep you signed in. Open {right} "
            "instead. If that does not answer, NURTURE_BASE_URL is set wrongly on the server."
        )
    return (
        "Your browser sent no cookie, and without one you cannot stay signed in. Allow cookies "
        f"for this address, then open {right} again."
    )


def _insist_on_what_can_be_kept() -> None:
    """Refuse values that no supported database can search for, as they reject them differently."""
    asked = (request.view_args or {}).values()
    numbers = [one for one in asked if isinstance(one, int)]
    words = [str(one) for one in asked] + list(request.args.values())
    if any(one > LARGEST_NUMBER for one in numbers) or any("\0" in one for one in words):
        abort(404, "It may have been moved or removed.")
    if any("\0" in said for _, said in request.form.items(multi=True)):
        abort(400, "A character stands in it that cannot be kept. Type it again, without pasting.")


def _guards() -> dict[str, str]:
    if nonce := g.get("style_nonce"):
        policy = GUARDS["Content-Security-Policy"]
        styles = f"style-src 'self' 'nonce-{nonce}'"
        return GUARDS | {"Content-Security-Policy": policy.replace("style-src 'self'", styles)}
    return GUARDS


def _guard(context: Context, response: Response) -> Response:
    for name, value in _guards().items():
        response.headers.setdefault(name, value)
    if request.endpoint == "studio.static":
        return response
    response.headers.setdefault("Cache-Control", "no-store")
    if g.get("cookie_is_new"):
        response.set_cookie(
            cookie_name(context),
            g.browser,
            max_age=SESSION_LASTS if g.owner else None,
            path="/studio",
            secure=is_secure(context),
            httponly=True,
            samesite="Lax",
        )
    return response
