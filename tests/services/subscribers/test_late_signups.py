"""A signup reported late keeps its real time; decisions made since then remain in force."""

from datetime import timedelta
from typing import Any

import pytest

from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.domain.subscribers.late_signups import ImpossibleTimeError
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.backup.held import count_held, drop, let_go_on, list_held
from nurture.services.subscribers import erasure, preferences
from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.restores import leap
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import suppress
from nurture.store.tables.withdrawals import CONSENT, LET_GO, list_once
from tests.installation import Installation

ANN = "ann@example.org"
GUIDE = "your-guide"


def restored_now(home: Installation) -> None:
    """Make this database one restored just now, from a backup three days old."""
    now, tables = home.clock.now, (subscribers, enrolments, messages)
    with home.context.database.writing() as connection:
        leap(connection, tables, now - timedelta(days=3), now)


def ago(home: Installation, **length: float) -> dict[str, Any]:
    return {"said_at": home.clock.now - timedelta(**length)}


def everything(home: Installation) -> dict[str, list[dict[str, Any]]]:
    """Return everything except the idempotency keys of calls."""
    return {name: rows for name, rows in home.everything().items() if name != "signup_keys"}


def test_a_late_signup_gets_its_guide_now_and_keeps_its_signup_time(
    home: Installation,
) -> None:
    said = ago(home, days=9)
    home.subscribe(ANN, **said)
    assert home.deliver() == 1
    [first, *_] = home.rows(consents)
    assert (first["said_at"], first["recorded_at"]) == (said["said_at"], home.clock.now)
    [signup] = home.rows(signups)
    assert (signup["signed_up_at"], signup["received_at"]) == (said["said_at"], home.clock.now)
    home.collect(1)
    home.live(days=1)
    assert [step for step, _ in home.statuses(ANN)] == [GUIDE]


def test_a_signup_dated_over_four_hundred_days_back_is_refused(home: Installation) -> None:
    before = home.everything()
    with pytest.raises(ImpossibleTimeError):
        home.subscribe(ANN, said_at=home.clock.now - timedelta(days=401), key="k", digest="d")
    assert home.everything() == before


@pytest.mark.parametrize("ahead", [timedelta(minutes=4), timedelta(days=400)])
def test_a_signup_from_a_website_with_a_fast_clock_is_accepted(
    home: Installation, ahead: timedelta
) -> None:
    home.subscribe(ANN, said_at=home.clock.now + ahead)
    assert home.rows(signups)[0]["signed_up_at"] == home.clock.now


def test_emails_owed_from_before_a_restore_are_held_until_the_owner_decides(
    home: Installation,
) -> None:
    restored_now(home)
    home.clock.advance(timedelta(days=20))
    context, now = home.context, home.clock.now
    for name in ("ann", "ben", "cem"):
        home.subscribe(f"{name}@example.org", "over-50-guide", **ago(home, days=22))
    home.subscribe("dan@example.org", **ago(home, days=1))
    assert home.deliver() == 1
    held = list_held(context.database, context.catalogue, now)
    assert {one.address: one.steps[0] for one in held} == {
        f"{name}@example.org": "your-guide" for name in ("ann", "ben", "cem")
    }
    ann, ben, _ = (one.enrolment for one in held)
    let_go_on(context.database, [ann], now)
    drop(context.database, context.catalogue, [ben], now)
    assert home.deliver() == 1
    assert [step for step, _ in home.statuses(ANN)] == [GUIDE]
    home.upkeep()
    assert home.person("cem@example.org")["erased"] is False


def test_replaying_a_signup_changes_nothing_with_or_without_its_key(home: Installation) -> None:
    restored_now(home)
    said = ago(home, days=1)
    home.subscribe(ANN, ticked=(Purpose.TRACKING,), key="k", digest="d", **said)
    before = everything(home)
    home.clock.advance(timedelta(hours=1))
    home.subscribe(ANN, ticked=(Purpose.TRACKING,), key="k", digest="d", **said)
    home.subscribe(ANN, ticked=(Purpose.TRACKING,), **said)
    home.subscribe(ANN, ticked=(Purpose.TRACKING,), key="another", digest="d", **said)
    assert everything(home) == before
    context = home.context
    number = home.enrolment(ANN)["id"]
    let_go_on(context.database, [number], home.clock.now)
    assert home.deliver() == 1
    home.clock.advance(timedelta(days=3))
    home.subscribe(ANN, ticked=(Purpose.TRACKING,), **said)
    home.deliver()
    assert [step for step, _ in home.statuses(ANN)] == [GUIDE, "guide-reminder"]
    assert count_held(context.database) == 0


def test_replaying_the_signup_of_someone_under_way_changes_nothing(home: Installation) -> None:
    home.subscribe(ANN)
    home.deliver()
    home.collect(1)
    home.clock.advance(timedelta(days=2))
    restored_now(home)
    before = (home.rows(enrolments), home.rows(messages))
    home.subscribe(ANN, **ago(home, hours=5))
    assert (home.rows(enrolments), home.rows(messages)) == before


def test_an_opt_out_after_the_signup_prevents_the_replayed_signup(home: Installation) -> None:
    context, said = home.context, ago(home, days=2)
    later = said["said_at"] + timedelta(hours=3)
    restored_now(home)
    with context.database.writing() as connection:
        for name, reason in (
            ("ann", SuppressionReason.UNSUBSCRIBED),
            ("bea", SuppressionReason.ERASED),
            ("cem", SuppressionReason.COMPLAINED),
            ("dan", SuppressionReason.BOUNCED),
        ):
            suppress(connection, context.tokens.address_hash(f"{name}@example.org"), reason, later)
        eve = context.tokens.address_hash("eve@example.org")
        list_once(connection, eve, LET_GO, later)
    for name in ("ann", "bea", "cem", "dan", "eve"):
        home.subscribe(f"{name}@example.org", **said)
    assert home.rows(subscribers) == []
    home.subscribe("eve@example.org", **ago(home, hours=1))
    assert home.person("eve@example.org")


def test_consent_withdrawn_since_the_signup_is_not_granted_again_by_a_replay(
    home: Installation,
) -> None:
    context, said = home.context, ago(home, days=2)
    later = said["said_at"] + timedelta(hours=3)
    restored_now(home)
    with context.database.writing() as connection:
        ann = context.tokens.address_hash(ANN)
        list_once(connection, ann, f"{CONSENT}{Purpose.TRACKING}", later)
    both = (Purpose.TRACKING, Purpose.HEALTH_TOPICS)
    home.subscribe(ANN, ticked=both, **said)
    assert Purpose.GUIDE in home.person(ANN)["purposes"]
    assert home.awaited(ANN) == {Purpose.HEALTH_TOPICS}
    home.subscribe(ANN, ticked=both, **ago(home, hours=1))
    assert home.awaited(ANN) == {*both}


def test_a_replay_does_not_bring_back_anyone_erased_or_unsubscribed(home: Installation) -> None:
    context, said = home.context, ago(home, hours=1)
    for name in ("ann", "bea"):
        home.subscribe(f"{name}@example.org", **said)
    args = (context.database, context.catalogue, 1, None, Evidence(), home.clock.now)
    preferences.unsubscribe(*args)
    erasure.forget(context.database, context.files, 2, home.clock.now)
    restored_now(home)
    before = everything(home)
    for name in ("ann", "bea"):
        home.subscribe(f"{name}@example.org", **said)
    assert everything(home) == before


def test_replayed_signups_count_towards_the_hourly_limit(home: Installation) -> None:
    from nurture.store.tables.signups import taken_blindly

    for days in (1, 2):
        home.subscribe(f"ann{days}@example.org", **ago(home, days=days))
    home.subscribe("bob@example.org")
    since = home.clock.now - timedelta(hours=1)
    with home.context.database.reading() as connection:
        assert taken_blindly(connection, "pain-guide", "", since, 100).through_form == 3
