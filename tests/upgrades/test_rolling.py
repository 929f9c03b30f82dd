"""A newer release has upgraded and published, while processes of this one keep running."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text, update

from nurture.domain.subscribers.consent import Purpose
from nurture.services.delivery import batch
from nurture.services.profile.explanation import explain
from nurture.services.subscribers import export
from nurture.store.shape import FIRST, compatibility
from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import revisions
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import suppressions
from tests.installation import SHIPPED, Installation, link_in
from tests.installations import ScriptedSink, home, smtp_sink

__all__ = ["home", "smtp_sink"]

ANN, BOB, CARL, DORA, EVE = (f"{n}@example.org" for n in ("ann", "bob", "carl", "dora", "eve"))
PAIN, OVER_50 = "pain-guide", "over-50-guide"


@pytest.fixture
def between(home: Installation, smtp_sink: ScriptedSink) -> Installation:
    """An installation with current enrolments, just upgraded by a newer release."""
    for address, form in ((ANN, PAIN), (BOB, OVER_50), (CARL, PAIN), (DORA, PAIN)):
        home.subscribe(address, form)
    home.deliver()
    for address, form in ((ANN, PAIN), (BOB, OVER_50), (CARL, PAIN)):
        home.collect(home.enrolment(address, form)["id"])
    home.deliver()
    for change in (add_to_the_tables, publish, write_new_words):
        with home.context.database.writing() as connection:
            change(connection, home)
    return home


def add_to_the_tables(connection: Connection, home: Installation) -> None:
    """Apply the newer release's migration, including which releases may continue."""
    for statement in (
        "ALTER TABLE subscribers ADD COLUMN language TEXT DEFAULT 'en' NOT NULL",
        "ALTER TABLE messages ADD COLUMN broadcast_id INTEGER",
        "ALTER TABLE events ADD COLUMN device TEXT",
        "CREATE TABLE leaflets (id INTEGER PRIMARY KEY, subject TEXT NOT NULL)",
        "UPDATE alembic_version SET version_num = '9999'",
    ):
        connection.execute(text(statement))
    connection.execute(update(compatibility).values(shape="9999", oldest=FIRST))


def publish(connection: Connection, home: Installation) -> None:
    """Publish something of an unknown kind, and known things with unknown additions."""
    plan = (SHIPPED / OVER_50 / "sequence.toml").read_text()
    plan += '\n[[steps]]\nemail = "film"\nkind = "film"\n'
    topics = (SHIPPED / "segments.toml").read_text()
    topics += '\n[[segments]]\nname = "new"\nall = [{ watched = { times = 2 } }]\n'
    practice = 'motto = "Gently"\n' + (SHIPPED / "practice.toml").read_text()
    for kind, key, toml in (
        ("broadcast", "autumn", ""),
        ("sequence", OVER_50, plan),
        ("segments", "segments", topics),
        ("practice", "practice", practice),
    ):
        source: dict[str, Any] = {"toml": toml} if toml else {"stream": "news"}
        row = {"number": 9, "digest": kind, "author": "machine", "published_at": home.clock.now}
        values = {"kind": kind, "key": key, "source": source, "compiled": {"new": 1}}
        connection.execute(insert(revisions).values(row | values))


def write_new_words(connection: Connection, home: Installation) -> None:
    """Write words unknown to this release wherever there are words."""
    people = {row["address"]: row["id"] for row in home.rows(subscribers)}
    of_ann, now = {"subscriber_id": people[ANN]}, home.clock.now
    told = {"source": "studio", "verdict": "likely", "happened_at": now, **of_ann}
    for number, kind in enumerate(("watched", "clicked", "booked_twice")):
        connection.execute(insert(events).values(kind=kind, source_key=f"new:{number}", **told))
    yes = {"granted": True, "recorded_at": now, "source": "form", "wording": "News?", **of_ann}
    more = dict.fromkeys(
        ("wording_hash", "privacy_version", "page_url", "client", "user_agent"), ""
    )
    connection.execute(insert(consents).values(purpose="podcasts", **yes, **more))
    ann, dora = subscribers.c.id == people[ANN], subscribers.c.id == people[DORA]
    words = frozenset({"guide", "marketing", "podcasts"})
    connection.execute(update(subscribers).where(ann).values(purposes=words))
    connection.execute(
        update(subscribers).where(dora).values(frequency="monthly", paused_by="calendar")
    )
    guide = (messages.c.subscriber_id == people[DORA]) & (messages.c.step == "your-guide")
    connection.execute(update(messages).where(guide).values(status="read", kind="film"))
    carl = enrolments.c.subscriber_id == people[CARL]
    connection.execute(update(enrolments).where(carl).values(ended_because="moved"))
    hashed = home.person(CARL)["address_hash"]
    row = {"address_hash": hashed, "reason": "court", "since": now, "detail": ""}
    connection.execute(insert(suppressions).values(row))


def test_signups_guides_and_unsubscribing_still_work(
    between: Installation, smtp_sink: ScriptedSink
) -> None:
    home = between
    assert home.fill_in_form(EVE, PAIN).status_code == 202
    assert home.fill_in_form(EVE, OVER_50).status_code == 202
    _work(home)
    [guide] = smtp_sink.mails_to(EVE)
    for kind in ("guide", "preferences", "unsubscribe"):
        assert home.client.get(link_in(guide, kind)).status_code == 200
    assert home.press(link_in(guide, "guide")).data.startswith(b"%PDF")
    assert home.enrolment(EVE)["collected_at"]
    for mail in (guide, smtp_sink.mails_to(BOB)[0]):
        one_click = home.press(link_in(mail, "unsubscribe"), **{"List-Unsubscribe": "One-Click"})
        assert one_click.status_code == 200
    assert home.person(BOB)["purposes"] == frozenset()
    assert home.client.get("/readyz").status_code == 200


def test_known_steps_are_sent_and_unknown_ones_are_left_unchanged(
    between: Installation, smtp_sink: ScriptedSink
) -> None:
    home = between
    home.subscribe(EVE, OVER_50)
    bob, eve = home.enrolment(BOB, OVER_50), home.enrolment(EVE, OVER_50)
    for _ in range(60):
        home.clock.advance(timedelta(hours=8))
        _work(home)
    articles = [step for step, _ in home.statuses(ANN)]
    assert len(articles) >= 4
    assert len(smtp_sink.mails_to(ANN)) == len(articles)
    assert (home.enrolment(BOB, OVER_50), home.enrolment(EVE, OVER_50)) == (bob, eve)
    assert len(smtp_sink.mails_to(CARL)) == 1
    assert "podcasts" in home.person(ANN)["purposes"]
    assert [m["step"] for m in home.messages_of(DORA)].count("your-guide") == 1


def _work(home: Installation) -> None:
    """Do the work of this release's worker; what it leaves to the newer one stays due."""
    while batch.deliver_batch(home.context.dispatch).offered:
        pass
    home.upkeep()


def test_everyone_can_still_be_explained_and_exported(between: Installation) -> None:
    home, now = between, between.clock.now
    context = home.context
    for address in (ANN, BOB, CARL, DORA):
        assert explain(context.database, context.catalogue, address, now).who
        record = export.export(context.database, context.catalogue, home.person(address)["id"], now)
        assert record is not None
        assert json.dumps(record)
    with context.database.reading() as connection:
        published = context.catalogue.current(connection)
    assert published.beyond == {OVER_50}
    assert "ready-to-book" in published.segments.segments
    assert Purpose.SERIES in published.sequences[OVER_50].form.grants  # type: ignore[union-attr]


def test_a_form_with_an_unknown_purpose_is_left_to_the_newer_version(
    home: Installation,
) -> None:
    plan = (SHIPPED / PAIN / "sequence.toml").read_text().replace('"series"]', '"podcast"]')
    row = {"number": 9, "digest": "x", "author": "files", "published_at": home.clock.now}
    values = {"kind": "sequence", "key": PAIN, "source": {"toml": plan}, "compiled": {}}
    with home.context.database.writing() as connection:
        connection.execute(insert(revisions).values(row | values))
    answer = home.fill_in_form(ANN)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert home.rows(subscribers) == []
    assert home.fill_in_form(ANN, OVER_50).status_code == 202
