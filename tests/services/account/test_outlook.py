"""What the owner is told of the account's limits: why, when, and how the week will go."""

from datetime import datetime, timedelta

from nurture.services.account.outlook import account_report
from nurture.services.profile.explanation import Explanation, explain
from nurture.services.reports import dashboard
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.servers.smtp import SmtpSink
from tests.vocabulary import ANN, FIRST, on_the_way_to_the_first_article

PEOPLE = [f"p{n}@example.org" for n in range(30)]


def limited(home: Installation, **limits: str) -> None:
    """Let every process from now on know of these limits of the account."""
    home.close()
    home.settings = {f"NURTURE_LIMIT_{name.upper()}": number for name, number in limits.items()}
    home.__dict__.pop("context", None)


def why(home: Installation, address: str) -> Explanation:
    """Explain one person."""
    context = home.context
    return explain(*context.stored, address, home.clock.now, fixed=context.settings.account_choices)


def report(home: Installation) -> dict[str, object]:
    """Return the account's part of the status."""
    with home.context.database.reading() as connection:
        return account_report(connection, home.context.settings.account_choices, home.clock.now)


def coming(home: Installation) -> list[tuple[int, int]]:
    """Return how many emails are expected on each day of the week, and how many are put off."""
    context = home.context
    seen = dashboard.oversee(
        *context.stored,
        context.fingerprint,
        context.witness.seen(),
        home.clock.now,
        context.settings.account_choices,
    )
    return [(day.count, day.put_off) for day in seen.coming]


def test_why_says_until_when_an_email_waits_for_the_account_and_which_limit_is_used_up(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    on_the_way_to_the_first_article(home, *PEOPLE, ANN)
    sent_at = home.clock.now
    limited(home, day="20")
    assert home.deliver() == 10
    [waiting, *_] = [
        address for address in (*PEOPLE, ANN) if (FIRST, "accepted") not in home.statuses(address)
    ]
    said = why(home, waiting)
    assert said.next_at is not None
    assert said.next_at > home.clock.now
    assert any("today’s 20 emails are used up" in sentence for sentence in said.why_not_sooner)
    home.clock.set(said.next_at)
    home.deliver()
    assert (FIRST, "accepted") in home.statuses(waiting)
    assert said.next_at - sent_at >= timedelta(days=1)


def test_the_status_tells_the_limit_what_is_used_what_waits_and_until_when(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    assert report(home)["limit"] is None
    limited(home, hour="20", connections="2")
    for address in PEOPLE:
        home.subscribe(address)
    home.deliver()
    told = report(home)
    assert told["limit"] == {"minute": None, "hour": 20, "day": None, "connections": 2}
    assert told["used"] == {"minute": 20, "hour": 20, "day": 20}
    assert (told["waiting"], told["cause"]) == (10, None)
    until = datetime.fromisoformat(str(told["until"]))
    assert timedelta(0) <= until - home.clock.now - timedelta(hours=1) < timedelta(minutes=1)


def test_a_week_that_the_account_cannot_send_at_once_is_spread(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    on_the_way_to_the_first_article(home, *PEOPLE)
    home.clock.advance(timedelta(days=1))
    assert coming(home)[0] == (30, 0)
    limited(home, day="20")
    assert coming(home)[:4] == [(10, 20), (10, 10), (10, 0), (0, 0)]
