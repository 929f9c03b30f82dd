"""An upgrade loses nobody, duplicates nothing, and every link ever sent keeps working."""

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from click.testing import CliRunner
from sqlalchemy import select, update

from nurture.cli import main
from nurture.domain.subscribers.bookings import NOT_CANCELLED
from nurture.services.owner import security, sessions
from nurture.services.profile.explanation import explain
from nurture.services.subscribers import export
from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import revisions
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.presence import at_least_one
from tests.upgrades.conftest import Old

#: Who has said no, one way or another, and gets nothing any more.
NOES = ("bounced", "complained", "unsubscribed", "owner-stopped", "silent", "taken-out", "booked")

#: Whose guide had not arrived for certain when the copy was made; it is offered once more.
GUIDES_OWED = ("deferred", "guide-doubt", "guide-killed")


def at(name: str) -> str:
    return f"{name}@example.org"


def run(home: Installation, *arguments: str) -> str:
    result = CliRunner().invoke(main, arguments, env=home.environment)
    assert result.exit_code == 0, result.output
    return result.stdout


def forecast(said: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return what is to come, as far as both versions describe it in the same words."""
    return [(e["at"], e["what"], e["sequence"], e["step"]) for e in said["coming"]]


def test_everyone_is_explained_as_before_the_upgrade(old: Old) -> None:
    home, seen = old.upgrade(), old.seen
    context, now = home.context, home.clock.now
    for address in at_least_one(seen.people):
        was, found = seen.why(address), explain(context.database, context.catalogue, address, now)
        assert [(m.message, m.sequence, m.step, m.status) for m in found.sent] == [
            (m["message"], m["sequence"], m["step"], m["status"]) for m in was["sent"]
        ], address
        assert list(found.segments) == was["segments"]
        assert found.next_at == (was["next_at"] and datetime.fromisoformat(was["next_at"])), address
        coming = [(e.at.isoformat(), e.what, e.sequence, e.step) for e in found.coming]
        assert coming == forecast(was), address
    assert {row["address"] for row in home.rows(subscribers)} - {None} == set(seen.people)
    said = json.loads(run(home, "why", at("midway"), "--json"))
    assert forecast(said) == forecast(seen.why(at("midway")))


def test_counts_and_exports_are_the_same_as_before_the_upgrade(old: Old) -> None:
    home, seen = old.upgrade(), old.seen
    standing = json.loads(run(home, "status", "--json"))
    was = seen.document["status"]
    del was["version"]
    assert standing | was == standing
    context = home.context
    for address in at_least_one(seen.people):
        number = home.person(address)["id"]
        record = export.export(context.database, context.catalogue, number, home.clock.now)
        assert record is not None
        _assert_nothing_is_missing(record, seen.document["export"][address])
    assert home.person(at("booked"))["booked_until"] == NOT_CANCELLED


def _assert_nothing_is_missing(record: dict[str, Any], was: dict[str, Any]) -> None:
    """Check that every row still has its content, except raw payloads, which may be trimmed."""
    for part in ("consents", "signups", "enrolments", "messages", "events", "interests"):
        assert len(record[part]) == len(was[part])
        lasting = [
            {name: value for name, value in row.items() if name not in ("raw", "lease_until")}
            for row in was[part]
        ]
        both = zip(record[part], lasting, strict=True)
        assert [row | before for row, before in both] == record[part]
    agreed, before = set(record["person"]["purposes"]), set(was["person"].pop("purposes"))
    # Whose series it is has been added, and nothing else.
    assert before <= agreed and all(word.startswith("series:") for word in agreed - before)
    assert record["person"] | was["person"] == record["person"]
    reason = (was["suppression"] or {}).get("reason")
    assert (record["suppression"] or {}).get("reason") == reason


def test_an_export_works_with_emails_stored_by_the_very_first_version(
    old: Old,
) -> None:
    home = old.upgrade()
    with home.context.database.writing() as connection:
        of_emails = revisions.c.kind == "email"
        for row in connection.execute(select(revisions).where(of_emails)).mappings().all():
            first = {n: v for n, v in row["compiled"].items() if n not in ("links", "link_topics")}
            stored = update(revisions).where(revisions.c.id == row["id"]).values(compiled=first)
            connection.execute(stored)
    record = json.loads(run(home, "export-person", at("tracked")))
    kept = old.seen.document["export"][at("tracked")]
    assert [m["subject"] for m in record["messages"]] == [m["subject"] for m in kept["messages"]]


def test_links_from_before_the_upgrade_work(old: Old) -> None:
    home, link = old.upgrade(), old.seen.link
    one_click = {"List-Unsubscribe": "One-Click"}
    assert home.press(link(at("midway"), "unsubscribe"), **one_click).status_code == 200
    assert home.person(at("midway"))["purposes"] == frozenset()
    reasons = Counter(row["reason"] for row in home.rows(suppressions))
    assert reasons["unsubscribed"] == 3
    for name, kind in (("paused", "preferences"), ("waiting", "guide"), ("asked", "confirm")):
        assert home.client.get(link(at(name), kind)).status_code == 200, name
    assert home.client.get(link(at("tracked"), "c")).status_code == 302
    assert home.press(link(at("waiting"), "guide")).data.startswith(b"%PDF-1.7\n1 0 obj<</Type")
    assert home.press(link(at("asked"), "confirm")).status_code == 200
    record = home.press(link(at("data"), "confirm"), **{"as": "file"}).get_json()
    assert record["person"]["address"] == at("data")
    assert home.press(link(at("erasing"), "confirm")).status_code == 200
    for name in ("erasing", "erased"):
        assert home.client.get(link(at(name), "preferences")).status_code == 404


def test_the_owner_stays_signed_in_and_their_codes_still_work(old: Old) -> None:
    home = old.upgrade()
    context, seen = home.context, old.seen.document
    signed_in_at = home.clock.now - timedelta(days=1)
    owner = sessions.find_signed_in(context.database, seen["session"], signed_in_at)
    assert owner is not None
    assert not owner.awaits_code
    assert security.get_account(context.database, context.seal, owner.owner).asks_for_codes


def test_everyone_gets_what_is_due_after_the_upgrade_and_nothing_twice(
    old: Old, smtp_sink: ScriptedSink
) -> None:
    home, seen = old.upgrade(), old.seen
    ledger = {row["id"] for row in home.rows(messages)}
    people = {row["id"]: row["address"] for row in home.rows(subscribers) if row["address"]}
    end = seen.now + timedelta(days=30)
    while home.clock.now < end:
        home.live(days=5)
        home.upkeep()
    told = {str(mail.message["Message-ID"]) for mail in smtp_sink.mails}
    assert len(told) == len(smtp_sink.mails)
    assert not told & {mail["message_id"] for mail in seen.document["mails"]}
    assert _received(home, people, ledger) == {a: _owed(seen.why(a), end) for a in seen.people}
    for name in GUIDES_OWED:
        assert len(smtp_sink.mails_to(at(name))) == 2
    got = Counter(to for mail in smtp_sink.mails for to in mail.recipients)
    assert not got.keys() & {*map(at, NOES), *seen.document["gone"]}
    assert got.total() == sum(len(_owed(seen.why(a), end)) for a in seen.people) + len(GUIDES_OWED)


def _owed(said: dict[str, Any], end: datetime) -> list[tuple[str, str]]:
    """Return what the old version predicted, except guides, which are already in the ledger."""
    return [
        (entry["sequence"], entry["step"])
        for entry in said["coming"]
        if entry["what"] == "sent" and datetime.fromisoformat(entry["at"]) <= end
        if entry["step"] != "your-guide"
    ]


def _received(
    home: Installation, people: dict[int, str], before: set[int]
) -> dict[str, list[tuple[str, str]]]:
    """Return what was sent that was not in the ledger before."""
    found: dict[str, list[tuple[str, str]]] = {address: [] for address in people.values()}
    new = [row for row in home.rows(messages) if row["id"] not in before]
    for row in at_least_one(new):
        assert row["status"] == "accepted"
        found[people[row["subscriber_id"]]].append((row["sequence"], row["step"]))
    return found
