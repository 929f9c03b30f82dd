"""Steps that many journeys have in common, and the series they follow."""

from datetime import time
from zoneinfo import ZoneInfo

from nurture.bank_holidays import bank_holidays
from nurture.domain.sequences.sequence import Sequence
from tests.installation import Installation, link_in, shipped_library
from tests.installations import ScriptedSink
from tests.presence import at_least_one

LONDON = ZoneInfo("Europe/London")
HOLIDAYS = bank_holidays()
SERIES = {
    source.sequence.key: [step.email for step in source.sequence.steps]
    for source in shipped_library().sequences
}


def sequence(key: str) -> Sequence:
    """Return a shipped sequence."""
    return next(s.sequence for s in shipped_library().sequences if s.sequence.key == key)


def check_windows(home: Installation, address: str, key: str, zone: ZoneInfo = LONDON) -> None:
    """Check that each email of the series arrived on a day and at a time its step allows."""
    of_series = [one for one in home.messages_of(address) if one["sequence"] == key]
    steps = [(message, sequence(key).step(message["step"])) for message in of_series]
    articles = [(message, step) for message, step in steps if step.kind != "guide"]
    for message, step in at_least_one(articles):
        local = message["accepted_at"].astimezone(zone)
        assert local.weekday() in step.on.weekdays, (step.email, local)
        assert step.on.holidays or local.date() not in HOLIDAYS, (step.email, local)
        assert step.at is not None
        assert step.at <= local.time() < time(19, 0), (step.email, local)


def sign_up(home: Installation, address: str, form: str = "pain-guide", **fields: object) -> None:
    """Fill in the website's form, and let the worker do its work when woken."""
    assert home.fill_in_form(address, form, **fields).status_code == 202
    home.deliver()


def collect(home: Installation, smtp_sink: ScriptedSink, address: str) -> None:
    """Follow the newest guide link and press the button."""
    guides = [mail for mail in smtp_sink.mails_to(address) if b"/guide/" in mail.data]
    answer = home.press(link_in(guides[-1], "guide"), asked="1")
    assert answer.mimetype == "application/pdf"
    home.deliver()


def live_with_upkeep(home: Installation, days: int) -> None:
    """Let days pass, with one housekeeping run on each."""
    for _ in range(days):
        home.live(days=1)
        home.upkeep()
