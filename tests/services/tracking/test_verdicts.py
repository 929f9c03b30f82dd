"""Judging: hits are held until a whole burst is visible, and are judged once."""

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from nurture.cli import main
from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Hit, MessageHits
from nurture.domain.tracking.verdict import HOLD, RULES, Judgement, judge
from nurture.services.subscribers import erasure
from nurture.services.subscribers.erasure import drop_raw
from nurture.services.tracking import verdicts as verdict_service
from nurture.services.tracking.journal import HitJournal
from nurture.services.tracking.verdicts import judge_held, rejudge
from nurture.store.database import Database
from nurture.store.queries.hits import count_fetched_for, take_messages
from nurture.store.tables.events import events
from nurture.store.tables.instance import how_far
from nurture.store.tables.revisions import RevisionKind, find_newest, revisions
from tests.installation import Installation
from tests.presence import at_least_one
from tests.vocabulary import A_BROWSER, ANN, FIRST, hits

#: What a message lets follow; hits on it come from here.
A_LINK = "https://practice.example.org/"


@pytest.fixture
def followed(home: Installation) -> Installation:
    """Ann and Bob have consented to tracking, and their first article came ten minutes ago."""
    for number, address in enumerate((ANN, "bob@example.org"), start=1):
        home.subscribe_followed(address)
        home.deliver()
        home.collect(number, tracking=True)
    home.live(days=3)
    home.clock.advance(timedelta(minutes=10))
    return home


def visit(home: Installation, message: int = 3, **more: Any) -> None:
    """Follow a link, and bring the hit into the database."""
    given = {"user_agent": A_BROWSER, "client": "192.0.2.7", "link": A_LINK} | more
    hit = Hit(EventKind.CLICKED, home.clock.now, message=message, **given)
    HitJournal(home.context.journals).note(hit)
    home.fold()


def verdicts(home: Installation) -> list[str | None]:
    """Return the verdicts on all hits, oldest first."""
    return [hit["verdict"] for hit in hits(home)]


def test_a_hit_is_judged_only_after_its_hold(followed: Installation) -> None:
    database = followed.context.database
    visit(followed)
    followed.clock.advance(HOLD - timedelta(seconds=1))
    visit(followed)
    assert judge_held(database, followed.clock.now) == 0
    followed.clock.advance(timedelta(seconds=1))
    assert judge_held(database, followed.clock.now) == 1
    assert verdicts(followed) == ["human", None]
    assert judge_held(database, followed.clock.now) == 0


def test_hits_that_exceed_one_batch_are_judged_in_several(
    followed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict_service, "_BATCH", 1)
    for message in (1, 2, 3, 4):
        visit(followed, message)
    assert followed.judge() == 4
    assert None not in verdicts(followed)


def test_messages_that_nobody_holds_are_judged(followed: Installation) -> None:
    visit(followed)
    assert followed.judge() == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_messages_locked_by_another_worker_are_not_judged_until_released(
    followed: Installation,
) -> None:
    visit(followed)
    beside = Database(followed.url)
    with beside.writing() as connection:
        take_messages(connection, [3], wait=True)
        assert followed.judge() == 0
    beside.close()
    assert followed.judge() == 1


def test_judging_hits_does_not_block_other_writers(
    followed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit(followed)
    think, database = judge, followed.context.database

    def think_while_somebody_writes(together: MessageHits) -> list[Judgement]:
        with database.writing() as connection:
            connection.execute(update(events).values(query="x=1"))
        return think(together)

    monkeypatch.setattr(verdict_service, "judge", think_while_somebody_writes)
    assert followed.judge() == 1


def test_a_hit_erased_or_judged_in_the_meantime_stays_as_it_is(
    followed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit(followed, 3)
    visit(followed, 4)
    think, database = judge, followed.context.database

    def think_too_long(together: MessageHits) -> list[Judgement]:
        with database.writing() as connection:
            first = events.c.message_id == 3
            connection.execute(update(events).where(first).values(user_agent=None))
            connection.execute(update(events).where(~first).values(verdict="machine", reasons=[]))
        return think(together)

    monkeypatch.setattr(verdict_service, "judge", think_too_long)
    followed.judge()
    assert [(hit["verdict"], hit["reasons"]) for hit in hits(followed)] == [
        (None, None),
        ("machine", []),
    ]


def test_a_hit_without_its_raw_data_is_not_judged(followed: Installation) -> None:
    visit(followed)
    with followed.context.database.writing() as connection:
        connection.execute(update(events).values(user_agent=None, client=None))
    assert followed.judge() == 0


# --- Judging again ------------------------------------------------------------------------------


def spoil(home: Installation, verdict: str) -> None:
    """Replace all verdicts with those of earlier rules."""
    with home.context.database.writing() as connection:
        connection.execute(update(events).values(verdict=verdict, reasons=["?"], rules=1))


def test_newer_rules_change_verdicts_and_report_each_change(followed: Installation) -> None:
    visit(followed)
    visit(followed, user_agent="curl/8.5.0")
    followed.judge()
    spoil(followed, "unsure")
    database = followed.context.database
    told: list[int] = []
    tried = rejudge(database, dry_run=True)
    assert verdicts(followed) == ["unsure", "unsure"]
    changes = rejudge(database, tell=told.append)
    assert tried == changes
    assert changes.changed == {("unsure", "human"): 1, ("unsure", "machine"): 1}
    assert (changes.judged, told) == (2, [2])
    assert verdicts(followed) == ["human", "machine"]
    assert {hit["rules"] for hit in hits(followed)} == {RULES}
    assert not rejudge(database).changed


def test_rejudging_skips_held_hits_older_hits_and_hits_without_raw_data(
    followed: Installation,
) -> None:
    visit(followed)
    followed.judge()
    followed.clock.advance(timedelta(days=2))
    since = followed.clock.now
    visit(followed, 4)
    followed.judge()
    spoil(followed, "unsure")
    visit(followed, 4)
    assert rejudge(followed.context.database, since).judged == 1
    assert verdicts(followed) == ["unsure", "human", None]
    drop_raw(followed.context.database, followed.clock.now, timedelta(days=1))
    assert rejudge(followed.context.database).judged == 1
    assert verdicts(followed) == ["unsure", "human", None]


def test_the_rejudge_command_reports_changes_in_words_and_as_json(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    home.subscribe_followed(ANN)
    home.deliver()
    visit(home, 1)
    home.judge()
    spoil(home, "unsure")
    run = CliRunner(env=dict(home.environment)).invoke
    said = run(main, ["rejudge", "--json", "--dry-run"], catch_exceptions=False).stdout
    expected = [{"from": "unsure", "to": "machine", "hits": 1}]
    assert json.loads(said) == {"judged": 1, "changed": expected, "dry_run": True}
    words = run(main, ["rejudge", "--since", "2020-01-01"], catch_exceptions=False)
    assert "from unsure to machine: 1" in words.stdout
    assert "1 judged" in words.stderr
    assert run(main, ["rejudge", "--since", "yesterday"]).exit_code == 2


# --- Forgetting ---------------------------------------------------------------------------------


def test_raw_data_is_deleted_after_the_retention_and_the_verdict_stays(
    followed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "_CHUNK", 2)
    database, retention = followed.context.database, followed.context.settings.retention
    for query in ("a=1", "a=2", "a=3"):
        visit(followed, query=query, purpose="prefetch")
    followed.judge()
    with database.reading() as connection:
        come = how_far(connection)
    followed.clock.advance(retention - timedelta(hours=1))
    assert drop_raw(database, followed.clock.now, retention) == 0
    followed.clock.advance(timedelta(hours=1))
    assert drop_raw(database, followed.clock.now, retention) == 3
    assert drop_raw(database, followed.clock.now, retention) == 0
    for hit in at_least_one(hits(followed)):
        assert {hit[name] for name in ("client", "user_agent", "query", "raw")} == {None}
        assert hit["verdict"] == "machine"
        assert hit["reasons"]
    with database.reading() as connection:
        assert how_far(connection) == come


def test_an_unjudged_hit_keeps_its_raw_data(followed: Installation) -> None:
    visit(followed)
    followed.clock.advance(timedelta(days=400))
    drop_raw(followed.context.database, followed.clock.now, timedelta(days=60))
    assert judge_held(followed.context.database, followed.clock.now) == 1
    assert verdicts(followed) == ["human"]


def test_a_links_own_topics_replace_those_of_its_email(followed: Installation) -> None:
    with followed.context.database.writing() as connection:
        email = find_newest(connection, RevisionKind.EMAIL, f"pain-guide/{FIRST}")
        assert email is not None
        own = email.compiled | {"link_topics": {"booking_url": ["golf"], A_LINK: ["rehab"]}}
        connection.execute(update(revisions).values(compiled=own).where(revisions.c.id == email.id))
    visit(followed)
    visit(followed, link="https://practice.example.org/other")
    assert [hit["topics"] for hit in hits(followed)] == [{"rehab"}, {"back-pain", "strength"}]


def test_a_client_that_fetches_for_many_people_is_counted_as_one(followed: Installation) -> None:
    visit(followed, 3)
    visit(followed, 4)
    visit(followed, 4)
    spell = ("192.0.2.7", followed.clock.now - timedelta(hours=1), followed.clock.now)
    earlier = ("192.0.2.7", spell[1], spell[1])
    with followed.context.database.reading() as connection:
        counted = count_fetched_for(connection, [spell, earlier])
    assert (counted[spell], counted[earlier]) == (2, 0)
