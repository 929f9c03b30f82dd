"""The words for a person's status in lists, and for yes and no."""

import re

from nurture.domain.imports.row import RowState
from nurture.sheets.columns import words_of
from nurture.sheets.programs.program import statuses

_STATES = statuses(
    subscribed="subscribed,active,confirmed,enabled,opted in,opt in,optin,single opt in,"
    "double opt in,granted,given,accepted,agreed,abonniert,eingetragen,"
    "express,explicit,implied,implicit,valid,ok,angemeldet,aktiv,bestatigt,inscrit,"
    "abonne,actif,suscrito,activo,confirmado,ingeschreven,actief,bevestigd",
    unconfirmed="unconfirmed,pending,pending confirmation,not confirmed,awaiting confirmation,"
    "awaiting confirm,inactive,unbestatigt,ausstehend,en attente,non confirme,pendiente,"
    "no confirmado,onbevestigd",
    nonsubscribed="nonsubscribed,non subscribed,not subscribed,never subscribed,never_subscribed,"
    "transactional,no permission,no permissions set,not set,none,unengaged,"
    "denied,refused,declined,not given,non marketing contact,"
    "temp hold,archived,deleted,disabled",
    unsubscribed="unsubscribed,cancelled,canceled,removed,opted out,opt out,optout,left,"
    "blocklisted,blacklisted,blocked,suppressed,objected,abgemeldet,ausgetragen,gesperrt,desabonne,"
    "desinscrit,baja,dado de baja,cancelado,uitgeschreven,afgemeld",
    cleaned="cleaned,invalid,undeliverable",
    bounced="bounced,bounce,hard bounce,hard bounced,hardbounce,soft bounced,unzustellbar,rebotado",
    complained="complained,complaint,spam,spammed,junk,marked as spam,reported spam,abuse",
)

#: What makes any status a refusal, wherever in its words.
_REFUSING = (
    (re.compile(r"complain|spam|abuse"), RowState.COMPLAINED),
    (
        re.compile(
            r"unsub|opt(?:ed)? ?out|block|blacklist|suppress|do not|dont|abgemeldet|desabonn"
            r"|desinscri|removed|\bbaja\b|uitgeschreven|revoked|withdrawn|objected|widerrufen"
        ),
        RowState.UNSUBSCRIBED,
    ),
    (re.compile(r"bounc|undeliver"), RowState.BOUNCED),
)

_YES = frozenset(
    [
        "yes",
        "y",
        "true",
        "1",
        "x",
        "ja",
        "j",
        "oui",
        "si",
        "on",
        "checked",
        "ticked",
        "wahr",
        "vrai",
        "verdadero",
        "waar",
    ]
)
_NO = frozenset(
    [
        "no",
        "n",
        "false",
        "0",
        "nein",
        "non",
        "nee",
        "off",
        "unchecked",
        "falsch",
        "faux",
        "falso",
        "onwaar",
    ]
)


#: Ticks, with or without the mark that makes a picture of them.
_SIGNS = dict.fromkeys(("✓", "✔", "☑", "✔️", "☑️", "✅", "🗸"), True) | dict.fromkeys(
    ("✗", "✘", "☐", "❌", "✖", "✖️", "☒"), False
)
_NOUGHT = re.compile(r"0+(?:[.,]0+)?%?")
#: An answer and what is added to it; “no longer” is another word.
_BEGUN = re.compile(r"\s*(\w+)\s*(?:[-–—,;:(./]|\bon\b|\bvia\b|\bby\b|please|thank)")
_STILL_IN = frozenset({"subscribed", "opted in", "opt in", "resubscribed", "still subscribed"})
_DENIED = re.compile(
    r"(?:not|never|has not|did not|nicht|pas|niet|no) (?:yet )?(?:un ?sub|opted out|opt out|block"
    r"|black|suppress|bounced|abgemeldet|desabonn|desinscrit|afgemeld|uitgeschreven|requested)"
)

#: How people write down, beside an address, that its owner wants no emails.
_ASKS = re.compile(
    r"(?<!not )(?<!never )\b(?:unsubscribed|opted[ -]out|abgemeldet|désabonnée?|désinscrite?)\b"
    r"(?!\W*(?:false|no\b|0\b|null|\[\]))"
    r"|\b(?:do not|don['’]?t|never|no longer|not to|stop)(?: \w+){0,3}? "
    r"(?:e-?mail(?:ing|s)?|contact|write to|mail"
    r"|send (?:\w+ )?(?:e-?mails?|newsletters?|marketing))"
    r"\b(?! address|(?: \w+)? (?:by|on|via) (?:tele)?(?:phone|text|post))"
    r"|\bnot (?:to )?be (?:e-?mailed|contacted)\b"
    r"|\bno (?:more )?(?:e-?mails|marketing|newsletters?|mailings?)\b"
    r"|\b(?:remove|removed|take|taken|came) (?:me |him |her |them )?(?:from|off) "
    r"(?:the |our |my |your |all )?(?:mailing |e-?mail |newsletter )?lists?\b"
    r"|\bkeine (?:weiteren )?(?:werbung|e-?mails?|mails|newsletter)\b"
)


def state_in(cell: str) -> RowState:
    """Return the state that a status means in most lists; `UNREADABLE` if it is not known."""
    words = words_of(cell)
    if not words:
        return RowState.UNKNOWN
    if known := _STATES.get(words):
        return known
    if _is_denied(words):
        return RowState.UNKNOWN
    return next((state for sign, state in _REFUSING if sign.search(words)), RowState.UNREADABLE)


def denies_refusal(cell: str) -> bool:
    """Return whether a cell in a column of refusals says that there is none."""
    return yes_or_no(cell) is False or words_of(cell) in _STILL_IN or _is_denied(words_of(cell))


def _is_denied(words: str) -> bool:
    return _DENIED.match(words) is not None


def asks_to_stop(text: str) -> bool:
    """Return whether a note says that someone wants no emails, as far as such words are known."""
    return _ASKS.search(text.casefold()) is not None


def answer_in(cell: str) -> bool | None:
    """Return the yes or no of a cell, or that with which it begins: “yes – on the form”."""
    if (answer := yes_or_no(cell)) is not None:
        return answer
    begun = _BEGUN.match(cell)
    return yes_or_no(begun[1]) if begun else None


def yes_or_no(cell: str) -> bool | None:
    """Return whether a cell says yes or no, or `None` if it says neither."""
    words = words_of(cell)
    if not words:
        return _SIGNS.get(cell.strip())
    if words in _YES:
        return True
    return False if words in _NO or _NOUGHT.fullmatch(cell) else None


#: What is written where there is nothing to say.
_LONGEST_NOTHING = 10
_NOTHING = frozenset({"", "null", "none", "n a", "na", "nan", "unknown", "never", "nil"})


#: What people are called as well; programs write it in small letters or in capitals.
NAMES = frozenset({"Nan", "Null", "Na", "Nil"})


def is_nothing(cell: str) -> bool:
    """Return whether a cell only says that there is nothing, as with a dash or noughts."""
    if len(cell) > _LONGEST_NOTHING:
        return cell.startswith("0000-00-00")
    return words_of(cell) in _NOTHING or cell == "0000-00-00"
