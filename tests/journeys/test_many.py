"""Hundreds of people around the world, across the night when the clocks go forward."""

from collections import Counter
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import select

from nurture.bank_holidays import bank_holidays
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation, shipped_library
from tests.installations import ScriptedSink
from tests.presence import at_least_one

ZONES = (
    "Europe/London",
    "Europe/Paris",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
    "America/Sao_Paulo",
    "UTC",
)
PEOPLE = 96
HOLIDAYS = bank_holidays()
#: British clocks go forward on 28 March 2027; Easter is that very weekend.
START, END = datetime(2027, 3, 8, 7, 0, tzinfo=UTC), datetime(2027, 6, 20, tzinfo=UTC)


def test_everyone_gets_exactly_their_emails_once_and_within_the_window(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    home = sqlite_home
    home.clock.set(START)
    forms = ("pain-guide", "over-50-guide")
    for n in range(PEOPLE):
        zone = ZONES[n % len(ZONES)]
        home.subscribe(f"p{n}@example.org", forms[n // 8 % 2], time_zone=zone)
    home.deliver()
    for row in home.rows(enrolments):
        if row["subscriber_id"] % 3:
            home.collect(row["id"])
    home.live_until(END)

    steps = {s.sequence.key: s.sequence for s in shipped_library().sequences}
    joined = select(messages, subscribers.c.address, subscribers.c.time_zone).join(
        subscribers, subscribers.c.id == messages.c.subscriber_id
    )
    with home.context.database.reading() as connection:
        sent = [dict(row) for row in connection.execute(joined).mappings()]
    steps_sent = [(message, steps[message["sequence"]].step(message["step"])) for message in sent]
    series = [(message, step) for message, step in steps_sent if step.kind != "guide"]
    for message, step in at_least_one(series):
        local = message["accepted_at"].astimezone(ZoneInfo(message["time_zone"]))
        assert step.at is not None
        assert step.at <= local.time() < time(19, 0)
        assert local.weekday() in step.on.weekdays
        assert step.on.holidays or local.date() not in HOLIDAYS

    taken = Counter(to for mail in smtp_sink.mails for to in mail.recipients)
    ids = {row["address"]: row["id"] for row in home.rows(subscribers)}
    assert taken == {
        address: _expected(steps[forms[(number - 1) // 8 % 2]].steps, number)
        for address, number in ids.items()
    }
    assert len({mail.message["Message-ID"] for mail in smtp_sink.mails}) == len(smtp_sink.mails)
    ends = Counter(row["status"] for row in home.rows(enrolments))
    assert ends == {"completed": PEOPLE * 2 // 3, "removed": PEOPLE // 3}


def _expected(steps: object, number: int) -> int:
    """Return the whole series without its reminder, or a guide and one reminder."""
    assert isinstance(steps, tuple)
    return len(steps) - 1 if number % 3 else 2
