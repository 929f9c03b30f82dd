"""One person's story, written from the same record that the person gets on request."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from nurture.domain.broadcasts.broadcast import key_of
from nurture.domain.known_words import known, known_or_none
from nurture.domain.messages.bounces import Bounce
from nurture.domain.messages.status import KEPT, MessageStatus
from nurture.domain.reasons import KEYS, Names, said
from nurture.domain.sequences.enrolment import EndReason
from nurture.domain.subscribers.consent import SILENCE, STUDIO, said_where
from nurture.domain.tracking.events import EventKind, PageDeed
from nurture.domain.tracking.verdict import Verdict
from nurture.services.profile.page_words import BECAME, DEEDS, DONE_HERE
from nurture.services.profile.phrases import and_
from nurture.services.profile.source_words import say_notes

Row = Mapping[str, Any]


class Weight(StrEnum):
    """How prominently to show a chapter."""

    PLAIN = "plain"
    GOOD = "good"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Chapter:
    """Something that happened at a certain time: a sentence without its full stop, and notes.

    `machines` are automated hits on an email, which say nothing about the person.
    """

    at: datetime
    said: str
    notes: tuple[str, ...] = ()
    weight: Weight = Weight.PLAIN
    machines: tuple[str, ...] = ()


#: What each purpose is for, in words that follow “agreed to” and “withdrew”.
PURPOSES = {
    "guide": "getting the guide",
    "marketing": "getting the series of emails",
    "series": "getting the series of emails",
    "articles": "getting new articles",
    "news": "getting news and offers",
    "tracking": "letting us see what they open and follow",
    "health_topics": "letting us consider their interest in health topics",
}

_TROUBLE = (
    MessageStatus.FAILED,
    MessageStatus.BOUNCED,
    MessageStatus.COMPLAINED,
    MessageStatus.IN_DOUBT,
)

#: Endings that nothing else in the story mentions.
_ENDED = {
    EndReason.COMPLETED: "Finished “{}”",
    EndReason.NOT_COLLECTED: "“{}” ended: its guide was never collected",
    EndReason.SILENT: "Did not answer “{}”",
    EndReason.NOT_FOLLOWED: "“{}” ended: nobody can see whether they read the emails",
    EndReason.REPLIED: "“{}” ended, because they had replied",
}
_WEIGHTS = {
    EventKind.BOOKED: Weight.GOOD,
    EventKind.REPLIED: Weight.GOOD,
    EventKind.LIFTED: Weight.GOOD,
    EventKind.UNSUBSCRIBED: Weight.TROUBLE,
    EventKind.COMPLAINED: Weight.TROUBLE,
    EventKind.BOUNCED: Weight.TROUBLE,
}

_LIFTED_BY = {
    STUDIO: "as said in the studio",
    "command line": "as said on the command line",
    "arrival": "as the mail server tells",
    "guide-page": "on the page of the guide",
}

#: What someone did on their own page.
_PAGE_DEEDS = {
    PageDeed.PREFERENCES: "Saved what they want to receive",
    PageDeed.REQUEST: "Asked for their data, or to be erased",
    PageDeed.DATA: "Fetched their data",
    PageDeed.UNDO: "Took their unsubscription back",
}

#: What a bounce means if it is not permanent.
_BOUNCES = {
    Bounce.SOFT: "For now; it is tried again with the next email",
    Bounce.FULL: "The mailbox is full",
    Bounce.HELD: "Many came back at once, so it waits until you say what it was",
    Bounce.DISMISSED: "It was a mistake of the mail server’s",
}

#: Who was probably behind a hit, in words that the reasons follow.
_JUDGED = {
    Verdict.HUMAN: "A person",
    Verdict.UNSURE: "Perhaps a person, perhaps a program",
    Verdict.MACHINE: "A program",
}


def recount(
    record: Mapping[str, Any], titles: Mapping[str, str], names: Names = KEYS
) -> list[Chapter]:
    """Tell the story of the record that `export.export` gives, oldest first.

    `titles` are those of the sequences, by their keys; reasons name things by `names`.
    """
    told = [
        *_signups(record["signups"], titles),
        *_consents(record["consents"]),
        *_handed_over(record, titles),
        *_mails(record["messages"], record["events"], names),
        *_ends(record["enrolments"], titles),
        *_deeds(record["events"], record["messages"], titles),
    ]
    return sorted(told, key=lambda chapter: chapter.at)


def _signups(rows: Iterable[Row], titles: Mapping[str, str]) -> Iterator[Chapter]:
    for row in rows:
        form = titles.get(row["form"], row["form"])
        notes = tuple(say_notes(row))
        yield Chapter(_at(row["signed_up_at"]), f"Signed up for “{form}”", notes)


def _consents(rows: Iterable[Row]) -> Iterator[Chapter]:
    """Combine what was agreed to or withdrawn together into one chapter."""

    def occasion(row: Row) -> tuple[str, str, bool]:
        return row["said_at"] or row["recorded_at"], row["source"], row["granted"]

    for (at, source, granted), together in groupby(rows, key=occasion):
        purposes = [PURPOSES[row["purpose"]] for row in together]
        verb = "Agreed to" if granted else "Withdrew their consent to"
        said, note = f"{verb} {and_(purposes)}", f"Said {said_where(source)}"
        if source == SILENCE:
            said = f"Their consent to {and_(purposes)} lapsed"
            note = "They did not answer when asked whether they still want the emails"
        weight = Weight.PLAIN if granted else Weight.TROUBLE
        yield Chapter(_at(at), said, (note,), weight)


def _handed_over(record: Row, titles: Mapping[str, str]) -> Iterator[Chapter]:
    """Yield a chapter for each sequence entered by neither signing up nor being put back.

    Broadcasts are entered by being in their audience.
    """
    put_back = (row for row in record["events"] if row["kind"] == EventKind.PUT_BACK)
    otherwise = {row["received_at"] or row["signed_up_at"] for row in record["signups"]}
    otherwise |= {row["happened_at"] for row in put_back}
    for row in record["enrolments"]:
        title = titles.get(row["sequence"], row["sequence"])
        if key_of(row["sequence"]) is not None:
            yield Chapter(_at(row["enrolled_at"]), f"Was chosen to get “{title}”")
        elif row["enrolled_at"] not in otherwise:
            yield Chapter(_at(row["enrolled_at"]), f"Went on to “{title}”")


def _ends(rows: Iterable[Row], titles: Mapping[str, str]) -> Iterator[Chapter]:
    for row in rows:
        why = row["ended_because"] or row["status"]
        # That a broadcast was sent to them says all there is to say of its end.
        is_over = why == EndReason.COMPLETED and key_of(row["sequence"]) is not None
        if row["ended_at"] and why in _ENDED and not is_over:
            title = titles.get(row["sequence"], row["sequence"])
            yield Chapter(_at(row["ended_at"]), _ENDED[why].format(title))


def _mails(rows: Iterable[Row], events: Iterable[Row], names: Names) -> Iterator[Chapter]:
    machines: dict[int, list[str]] = {}
    for event in events:
        if event["verdict"] == Verdict.MACHINE and event["message_id"]:
            machines.setdefault(event["message_id"], []).append(_by_machine(event))
    for row in rows:
        status = known(MessageStatus, row["status"], MessageStatus.IN_DOUBT)
        why = said(row["why"], row["about"], row["reason"] or "", names)
        yield Chapter(
            at=_at(row["accepted_at"] or row["claimed_at"]),
            said=_became(row["subject"], row["reason"], status),
            notes=(f"Because {why}",) if why else (),
            weight=Weight.TROUBLE if status in _TROUBLE else Weight.PLAIN,
            machines=tuple(machines.get(row["id"], ())),
        )


def _became(subject: str, reason: str | None, status: MessageStatus) -> str:
    kept = reason == KEPT and status is MessageStatus.ACCEPTED
    return f"Wrote “{subject}” to the outbox" if kept else BECAME[status].format(subject)


def _by_machine(event: Row) -> str:
    what = "The picture was fetched" if event["kind"] == EventKind.OPENED else "A link was followed"
    return f"{what}: {and_(event['reasons'] or ['no reason was kept'])}."


def _deeds(
    rows: Iterable[Row], messages: Iterable[Row], titles: Mapping[str, str]
) -> Iterator[Chapter]:
    subjects = {row["id"]: row["subject"] for row in messages}
    for row in rows:
        kind = row["kind"]
        said = _said(row, subjects, titles)
        if row["verdict"] == Verdict.MACHINE or not said:
            continue
        yield Chapter(
            at=_at(row["happened_at"]),
            said=said,
            notes=tuple(_explained(row)),
            weight=_WEIGHTS.get(EventKind(kind), Weight.PLAIN),
        )


def _said(row: Row, subjects: Mapping[int, str], titles: Mapping[str, str]) -> str:
    """Say what someone did, or what was done here on their behalf; "" if no words are needed."""
    kind = row["kind"]
    if row["source"] == STUDIO:
        return DONE_HERE[kind].format(**_named(row, titles)) if kind in DONE_HERE else ""
    return DEEDS[kind].format(_mail(row, subjects)) if kind in DEEDS else ""


def _mail(row: Row, subjects: Mapping[int, str]) -> str:
    subject = subjects.get(row["message_id"])
    return f"“{subject}”" if subject else "an email"


def _named(row: Row, titles: Mapping[str, str]) -> dict[str, str]:
    """Return in words what the record of an action here refers to."""
    raw = row["raw"] or {}
    sequence = str(raw.get("sequence", ""))
    named = {"sequence": titles.get(sequence, sequence)}
    if "until" in raw:
        until = _at(raw["until"])
        named["until"] = f"{until.day} {until:%B %Y}"
    return named


def _explained(row: Row) -> Iterator[str]:
    if row["link"]:
        yield row["link"]
    if row["kind"] == EventKind.LIFTED and row["raw"]:
        yield f"Because {row['raw'].get('reason')}, {_LIFTED_BY.get(row['source'], row['source'])}"
    if deed := known_or_none(PageDeed, (row["raw"] or {}).get("deed")):
        yield _PAGE_DEEDS[deed]
    if row.get("bounce") in _BOUNCES:
        yield _BOUNCES[Bounce(row["bounce"])]
    if row["source"] == STUDIO and (row["raw"] or {}).get("by"):
        yield f"By {row['raw']['by']}"
    if row["kind"] not in (EventKind.OPENED, EventKind.CLICKED):
        return
    if row["verdict"] is None:
        yield "Not looked at yet; it counts for nothing so far"
    else:
        reasons = f": {and_(row['reasons'])}" if row["reasons"] else ""
        yield f"{_JUDGED[known(Verdict, row['verdict'], Verdict.UNSURE)]}{reasons}"


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
