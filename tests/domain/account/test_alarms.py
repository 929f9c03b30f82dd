"""Alarms about the mail account: raised when there is cause, and not before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nurture.domain.account.alarms import (
    AccountFacts,
    AlarmKind,
    AlarmSeverity,
    MonthFigures,
    alarms,
)
from nurture.domain.account.limits import Limits, Window

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUIET = AccountFacts(NOW)


def kinds(facts: AccountFacts) -> list[AlarmKind]:
    """Return the kinds of the alarms, the most urgent first."""
    return [one.kind for one in alarms(facts)]


def after(**figures: int) -> AccountFacts:
    """Return the facts after a month like that."""
    return replace(QUIET, month=MonthFigures(**figures))


def test_an_account_about_which_nothing_is_known_alarms_nobody() -> None:
    assert kinds(QUIET) == []


def test_a_held_account_is_urgent_once_the_owner_can_do_something_about_it() -> None:
    held = replace(QUIET, held_since=NOW, held_because="It takes no login", waiting=1)
    [alarm] = alarms(held)
    assert (alarm.kind, alarm.heading) == (AlarmKind.HELD, "It takes no login")
    assert alarm.severity is AlarmSeverity.WARNING
    assert alarm.sentence == "No email is lost. 1 email waits."
    [worse] = alarms(replace(held, held_to_do="Check the password.", waiting=1200))
    assert worse.severity is AlarmSeverity.URGENT
    assert worse.sentence == "No email is lost. 1,200 emails wait. Check the password."


def test_a_held_account_for_which_nothing_waits_says_only_that_nothing_is_lost() -> None:
    [alarm] = alarms(replace(QUIET, held_since=NOW, held_because="It takes no login"))
    assert alarm.sentence == "No email is lost."


def test_no_more_come_back_than_were_sent() -> None:
    late = MonthFigures(accepted=1, returned=2, complained=3)
    assert (late.sent, late.arrived) == (2, 3)
    assert (late.bounce_share, late.complaint_share) == (1.0, 1.0)


def test_a_withdrawn_permission_is_urgent() -> None:
    [alarm] = alarms(replace(QUIET, lapsed_at=NOW, lapsed_because="Google has withdrawn it."))
    assert (alarm.kind, alarm.severity) == (AlarmKind.GRANT_LAPSED, AlarmSeverity.URGENT)
    assert alarm.sentence == "Google has withdrawn it."


@pytest.mark.parametrize(
    ("read_at", "trouble_since", "alarmed"),
    [
        (None, None, False),
        (NOW - timedelta(minutes=5), None, False),
        (NOW - 2 * HOUR, None, True),
        (None, NOW - HOUR, True),
        (NOW - 2 * HOUR, NOW - timedelta(minutes=59), False),
    ],
)
def test_an_unread_mailbox_alarms_after_an_hour(
    read_at: datetime | None, trouble_since: datetime | None, alarmed: bool
) -> None:
    trouble = "It takes no login." if trouble_since else ""
    facts = replace(
        QUIET,
        mailbox_read_at=read_at,
        mailbox_trouble=trouble,
        mailbox_trouble_since=trouble_since,
    )
    assert kinds(facts) == [AlarmKind.MAILBOX_UNREAD] * alarmed
    assert [trouble in one.sentence for one in alarms(facts)] == [True] * alarmed


@pytest.mark.parametrize(
    ("accepted", "complained", "severity"),
    [
        (499, 10, None),
        (1000, 1, None),
        (1000, 2, AlarmSeverity.WARNING),
        (1000, 3, AlarmSeverity.WARNING),
        (1000, 4, AlarmSeverity.URGENT),
    ],
)
def test_complaints_alarm_above_one_in_a_thousand_of_enough_emails(
    accepted: int, complained: int, severity: AlarmSeverity | None
) -> None:
    found = alarms(after(accepted=accepted, complained=complained))
    assert [one.severity for one in found] == [severity] * (severity is not None)


@pytest.mark.parametrize(
    ("accepted", "returned", "turned_away", "alarmed"),
    [(199, 50, 0, False), (200, 4, 0, False), (200, 5, 0, True), (196, 0, 5, True)],
)
def test_bounces_alarm_above_one_in_fifty_of_enough_emails(
    accepted: int, returned: int, turned_away: int, alarmed: bool
) -> None:
    facts = after(accepted=accepted, returned=returned, turned_away=turned_away)
    assert kinds(facts) == [AlarmKind.BOUNCES_HIGH] * alarmed


def test_a_queue_alarms_when_a_day_is_too_short_for_it() -> None:
    waiting = replace(QUIET, limits=Limits(day=1000), waiting=950)
    assert kinds(waiting) == []
    [alarm] = alarms(replace(waiting, waiting=951, waiting_since=NOW - HOUR))
    assert (alarm.kind, alarm.since) == (AlarmKind.BACKLOG, NOW - HOUR)
    assert "951 emails wait, and your account can send 950 in a day" in alarm.sentence
    assert kinds(replace(waiting, limits=Limits(), waiting=100_000)) == []


def test_a_nearly_used_limit_is_only_told() -> None:
    used = replace(QUIET, limits=Limits(day=1000), used={Window.DAY: 900})
    [alarm] = alarms(used)
    assert alarm.kind is AlarmKind.LIMIT_NEARLY_USED
    assert not alarm.needs_owner
    assert kinds(replace(used, used={Window.DAY: 899})) == []


def test_the_most_urgent_alarm_comes_first() -> None:
    facts = replace(
        after(accepted=1000, complained=4, returned=40),
        limits=Limits(day=100),
        used={Window.DAY: 100},
        mailbox_read_at=NOW - 2 * HOUR,
    )
    assert kinds(facts) == [
        AlarmKind.COMPLAINTS_HIGH,
        AlarmKind.MAILBOX_UNREAD,
        AlarmKind.BOUNCES_HIGH,
        AlarmKind.LIMIT_NEARLY_USED,
    ]
