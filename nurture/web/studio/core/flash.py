"""Notices of what was just done, in a cookie of their own: a redirect after a POST costs no row."""

import json
from dataclasses import asdict, dataclass
from urllib.parse import quote, unquote

from flask import Blueprint, Response, g, request

from nurture.bootstrap import Context
from nurture.web.studio.core.auth import cookie_name, is_secure

_COOKIE = "studio_told"
_AT_MOST = 5
#: Browsers drop a cookie of more than 4 KB, and with it every notice.
_LONGEST, _LARGEST = 380, 3800


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence at the top of a page; `trouble` if something failed."""

    sentence: str
    trouble: bool = False


def put_into(studio: Blueprint, context: Context) -> None:
    """Make every page show its notices."""
    cookie, secure = cookie_name(context, _COOKIE), is_secure(context)
    studio.context_processor(lambda: {"notices": lambda: _take(cookie)})
    studio.after_request(lambda response: _carry(response, cookie, secure))


def tell(sentence: str, trouble: bool = False) -> None:
    """Show this sentence, which must contain no personal data, on the next page."""
    said = sentence if len(sentence) <= _LONGEST else f"{sentence[: _LONGEST - 1]}…"
    g.setdefault("told", []).append(Notice(said, trouble))


def _take(cookie: str) -> list[Notice]:
    """Return the pending notices and mark them as shown."""
    g.notices_shown = True
    return _carried(cookie) + list(g.pop("told", []))


def _carried(cookie: str) -> list[Notice]:
    try:
        found = json.loads(unquote(request.cookies.get(cookie, "[]")))
        return [Notice(str(one["sentence"]), bool(one["trouble"])) for one in found[:_AT_MOST]]
    except (ValueError, KeyError, TypeError):
        return []


def _carry(response: Response, cookie: str, secure: bool) -> Response:
    told = g.pop("told", [])
    if told:
        kept = [] if g.get("notices_shown") else _carried(cookie)
        value = _packed((kept + told)[-_AT_MOST:])
        response.set_cookie(
            cookie, value, path="/studio", secure=secure, httponly=True, samesite="Lax"
        )
    elif g.get("notices_shown") and cookie in request.cookies:
        response.delete_cookie(cookie, path="/studio", secure=secure, httponly=True, samesite="Lax")
    return response


def _packed(notices: list[Notice]) -> str:
    """Return as many of the newest notices as a cookie can carry."""
    value = quote(json.dumps([asdict(one) for one in notices], ensure_ascii=False))
    return value if len(value) <= _LARGEST or len(notices) < 2 else _packed(notices[1:])
