"""A reader for the labelled hit sessions of `corpus/`, which rejects malformed ones.

A session is one small file: what was fetched, when, by what, and who it was.
`corpus/README.md` describes how to add one.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")
FOLDERS = {"machine": {"machine"}, "human": {"human"}, "mixed": {"machine", "human"}}

_SESSION_KEYS: Mapping[str, type] = {
    "what": str,
    "who": str,
    "known_from": str,
    "accepted_at": datetime,
    "links": int,
    "hits": list,
}
_HIT_KEYS: Mapping[str, type] = {
    "after": float,
    "kind": str,
    "method": str,
    "agent": str,
    "client": str,
    "link": str,
    "query": str,
    "ahead": str,
    "others": int,
    "who": str,
}
_HIT_DEFAULTS: Mapping[str, object] = {
    "method": "GET",
    "link": "",
    "query": "",
    "ahead": "",
    "others": 0,
}


class MalformedSessionError(ValueError):
    """A corpus file is not a valid session; the message names the file and what to correct."""


@dataclass(frozen=True, slots=True)
class RecordedHit:
    """One request of a session, and who really made it (`human` or `machine`).

    `others` is how many other recipients the client fetched for within ten minutes.
    """

    at: datetime
    kind: str
    method: str
    agent: str
    client: str
    link: str
    query: str
    ahead: str
    others: int
    who: str


@dataclass(frozen=True, slots=True)
class Session:
    """Everything that was fetched from one email to one person, in order of time.

    `name` is the folder and the file, `links` how many different tracked links the email has.
    """

    name: str
    what: str
    known_from: str
    accepted_at: datetime
    links: int
    hits: tuple[RecordedHit, ...]

    @property
    def crowd(self) -> dict[str, int]:
        """The most other recipients that each client fetched for, at any time."""
        busiest: dict[str, int] = {}
        for hit in self.hits:
            busiest[hit.client] = max(hit.others, busiest.get(hit.client, 0))
        return busiest


def sessions_in(folder: Path = CORPUS) -> Iterator[Session]:
    """Return every session below a folder, by name."""
    for path in sorted(folder.glob("*/*.toml")):
        yield read_session(path)


def read_session(path: Path) -> Session:
    """Read the session in a file, or raise `MalformedSessionError` if the format is wrong."""
    try:
        return _session(path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError) as error:
        raise MalformedSessionError(f"{path.parent.name}/{path.name}: {error}") from error


def _session(path: Path) -> Session:
    told = tomllib.loads(path.read_text("utf-8"))
    _check_kinds(told, _SESSION_KEYS, "the session")
    accepted_at: datetime = told["accepted_at"]
    hits = tuple(
        _hit(number, raw, told["who"], accepted_at)
        for number, raw in enumerate(told["hits"], start=1)
    )
    session = Session(
        name=f"{path.parent.name}/{path.stem}",
        what=told["what"],
        known_from=told["known_from"],
        accepted_at=accepted_at,
        links=told["links"],
        hits=hits,
    )
    _check_session(session, path.parent.name)
    return session


def _hit(number: int, raw: object, who: str, accepted_at: datetime) -> RecordedHit:
    if not isinstance(raw, dict):
        raise ValueError(f"hit {number} must be a table [[hits]]")
    told = {"who": who, **_HIT_DEFAULTS, **raw}
    _check_kinds(told, _HIT_KEYS, f"hit {number}")
    _check_hit(told, f"hit {number}")
    after = timedelta(seconds=told.pop("after"))
    return RecordedHit(at=accepted_at + after, **told)


def _check_kinds(told: Mapping[str, object], kinds: Mapping[str, type], where: str) -> None:
    if unknown := sorted(told.keys() - kinds.keys()):
        raise ValueError(f"{where} has unknown keys: {', '.join(unknown)}")
    if missing := sorted(kinds.keys() - told.keys()):
        raise ValueError(f"{where} lacks: {', '.join(missing)}")
    for key, kind in kinds.items():
        # `type` and not isinstance: true is an int to Python and no number to a reader.
        if type(told[key]) is not kind:
            raise ValueError(f"{where}: {key} must be of kind {kind.__name__}")


def _check_hit(told: Mapping[str, object], where: str) -> None:
    _check_choice(told, "kind", {"opened", "clicked"}, where)
    _check_choice(told, "method", {"GET", "HEAD"}, where)
    _check_choice(told, "who", {"human", "machine"}, where)
    if (told["kind"] == "clicked") != bool(told["link"]):
        raise ValueError(f"{where}: a click has a link and an open has none")
    ip_address(str(told["client"]))
    if int(str(told["others"])) < 0:
        raise ValueError(f"{where}: others cannot be negative")


def _check_choice(told: Mapping[str, object], key: str, known: set[str], where: str) -> None:
    if told[key] not in known:
        raise ValueError(f"{where}: {key} must be one of {', '.join(sorted(known))}")


def _check_session(session: Session, folder: str) -> None:
    if not session.what.strip() or not session.known_from.strip():
        raise ValueError("what and known_from must say something")
    if session.accepted_at.utcoffset() != UTC.utcoffset(None):
        raise ValueError("accepted_at must be in UTC, with a Z at its end")
    if {hit.who for hit in session.hits} != FOLDERS.get(folder):
        raise ValueError(f"the hits must be those of the folder {folder}: {FOLDERS}")
    if len({hit.link for hit in session.hits if hit.link}) > session.links:
        raise ValueError("more different links were followed than the email has")
    if list(session.hits) != sorted(session.hits, key=lambda hit: hit.at):
        raise ValueError("the hits must stand in the order of time")
