"""The words for a person's status in lists, and for yes and no."""

import re

from nurture.domain.imports.row import RowState
from nurture.sheets.columns import words_of
from nurture.sheets.programs.program import statuses

_STATES = statuses(
    subscribed="subscribed,active,confirmed,enabled,opted in,opt in,optin,single opt in,"
    "double opt in,express,explicit,implied,implicit,valid,ok,angemeldet,aktiv,bestatigt,inscrit,"
    "abonne,actif,suscrito,activo,confirmado,ingeschreven,actief,bevestigd",
    unconfirmed="unconfirmed,pending,pending confirmation,not confirmed,awaiting confirmation,"
    "awaiting confirm,inactive,unbestatigt,ausstehend,en attente,non confirme,pendiente,"
    "no confirmado,onbevestigd",
    nonsubscribed="nonsubscribed,non subscribed,not subscribed,never subscribed,never_subscribed,"
    "transactional,no permission,no permissions set,not set,none,unengaged,non marketing contact,"
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
            r"|desinscri|\bbaja\b|uitgeschreven|revoked|withdrawn|objected|widerrufen"
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


def state_in(cell: str) -> RowState:
    """Return the state that a status means in most lists; `UNREADABLE` if it is not known."""
    words = words_of(cell)
    if not words:
        return RowState.UNKNOWN
    if known := _STATES.get(words):
        return known
    return next((state for sign, state in _REFUSING if sign.search(words)), RowState.UNREADABLE)


def yes_or_no(cell: str) -> bool | None:
    """Return whether a cell says yes or no, or `None` if it says neither."""
    words = words_of(cell)
    return True if words in _YES or cell.strip() in ("✓", "✔", "☑") else _no(words)


def _no(words: str) -> bool | None:
    return False if words in _NO else None


#: What is written where there is nothing to say.
_LONGEST_NOTHING = 10
_NOTHING = frozenset({"", "null", "none", "n a", "na", "nan", "unknown", "never", "nil"})


def is_nothing(cell: str) -> bool:
    """Return whether a cell only says that there is nothing, as with a dash or noughts."""
    if len(cell) > _LONGEST_NOTHING:
        return cell.startswith("0000-00-00")
    return words_of(cell) in _NOTHING or cell == "0000-00-00"
