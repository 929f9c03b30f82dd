"""Where people came from, and what they did since, on both kinds of database."""

from datetime import UTC, datetime, timedelta

import pytest

from nurture.domain.subscribers.consent import Evidence
from nurture.domain.tracking.events import BookingEvent
from nurture.services.delivery.pause import UnknownSequenceError
from nurture.services.inbound.events import record_bookings
from nurture.services.reports import sources
from nurture.services.reports.funnel import Period
from nurture.services.reports.sources import (
    NoFormError,
    OriginDeed,
    OriginFigures,
    SourceBy,
    SourceFigure,
    SourceList,
    SourceReport,
)
from nurture.services.subscribers import erasure, preferences
from nurture.services.subscribers.signup import UnknownFormError
from nurture.store.tables.signups import signups
from tests.installation import Installation

ANN, BOB, CARA = "ann@example.org", "bob@example.org", "cara@example.org"
GOOGLE = {"utm_source": "Google", "utm_medium": "cpc", "utm_campaign": "Spring"}
PAGE = "https://www.human-movement.com/Free-Guide/?utm_source=google"


def counted(
    home: Installation, by: SourceBy = SourceBy.SOURCE, period: Period = Period.MONTH
) -> SourceReport:
    """Return the figures of the pain guide's form."""
    return sources.count_sources(*home.context.stored, "pain-guide", by, period, home.clock.now)


def values(found: SourceReport) -> dict[str, int]:
    """Return how many signed up, by value as it is shown."""
    return {found.name_of(one): one.signed_up for one in found.figures}


def listed(
    home: Installation, value: str, deed: OriginDeed, before: int | None = None
) -> list[str]:
    """Return the addresses behind a figure of this month."""
    return [one.address for one in behind(home, value, deed, before).people]


def behind(
    home: Installation, value: str, deed: OriginDeed, before: int | None = None
) -> SourceList:
    figure = SourceFigure(SourceBy.SOURCE, value, deed, Period.MONTH)
    return sources.list_behind(*home.context.stored, "pain-guide", figure, home.clock.now, before)


def come(home: Installation, address: str, source: str = "Google", page: str = "") -> None:
    utm = {"utm_source": source} if source else {}
    home.subscribe(address, utm=utm, evidence=Evidence(page))


def book(home: Installation, address: str) -> None:
    context, now = home.context, home.clock.now
    told = BookingEvent("calendly", address, now, address, True, False, False, now, raw={})
    record_bookings(context.database, context.catalogue, context.tokens, [told], now)


def test_people_are_counted_by_where_they_came_from(home: Installation) -> None:
    home.subscribe(ANN, utm=GOOGLE, evidence=Evidence(PAGE))
    home.subscribe(BOB, utm={"utm_source": " google "}, evidence=Evidence(PAGE.upper()))
    home.subscribe(CARA)
    assert values(counted(home)) == {"google": 2, "": 1}
    assert values(counted(home, SourceBy.MEDIUM)) == {"": 2, "cpc": 1}
    assert values(counted(home, SourceBy.CAMPAIGN)) == {"": 2, "spring": 1}
    assert values(counted(home, SourceBy.PAGE)) == {"/free-guide": 2, "": 1}


def test_what_they_did_since_is_counted_once_each(home: Installation) -> None:
    for address in (ANN, BOB, CARA):
        come(home, address, "letter" if address == CARA else "google")
    home.deliver()
    home.collect(home.enrolment(ANN)["id"])
    home.live(days=1)
    book(home, ANN)
    home.live(days=1)
    book(home, ANN)
    context, evidence = home.context, Evidence()
    preferences.unsubscribe(
        *context.stored, home.person(CARA)["id"], None, evidence, home.clock.now
    )
    assert counted(home).figures == (
        OriginFigures("google", 2, 1, 1, 0),
        OriginFigures("letter", 1, 0, 0, 1),
    )
    assert counted(home).total == OriginFigures("", 3, 1, 1, 1)
    assert counted(home).rest == OriginFigures()
    assert listed(home, "google", OriginDeed.SIGNED_UP) == [BOB, ANN]
    assert listed(home, "google", OriginDeed.COLLECTED) == [ANN]
    assert listed(home, "google", OriginDeed.BOOKED) == [ANN]
    assert listed(home, "letter", OriginDeed.UNSUBSCRIBED) == [CARA]


def test_a_second_signup_changes_nothing_about_where_someone_came_from(home: Installation) -> None:
    come(home, ANN, "google")
    home.clock.advance(timedelta(days=40))
    come(home, ANN, "letter")
    come(home, BOB, "letter")
    assert values(counted(home)) == {"letter": 1}
    assert values(counted(home, period=Period.QUARTER)) == {"google": 1, "letter": 1}


def test_each_form_counts_its_own_people(home: Installation) -> None:
    home.subscribe(ANN, "over-50-guide", utm=GOOGLE)
    come(home, ANN, "letter")
    assert values(counted(home)) == {"letter": 1}


@pytest.mark.parametrize(("days", "periods"), [(27, 3), (28, 2), (84, 1), (364, 0)])
def test_a_signup_counts_in_the_periods_it_is_in(
    home: Installation, days: int, periods: int
) -> None:
    come(home, ANN)
    home.clock.advance(timedelta(days=days))
    found = [counted(home, period=one).total.signed_up for one in Period]
    assert found == [0] * (3 - periods) + [1] * periods


def test_rare_values_are_counted_together(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST", 2)
    for number, source in enumerate(("a", "a", "a", "b", "b", "c", "")):
        come(sqlite_home, f"p{number}@example.org", source)
    found = counted(sqlite_home)
    assert values(found) == {"a": 3, "b": 2}
    assert (found.rest.signed_up, found.total.signed_up) == (2, 7)


def test_a_long_list_goes_on_where_the_page_ended(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "PAGE", 2)
    for address in (ANN, BOB, CARA):
        come(home, address)
    first = behind(home, "google", OriginDeed.SIGNED_UP)
    assert [one.address for one in first.people] == [CARA, BOB]
    rest = behind(home, "google", OriginDeed.SIGNED_UP, first.next)
    assert ([one.address for one in rest.people], rest.next) == ([ANN], None)


def test_nobody_can_be_found_by_a_source_after_an_erasure(home: Installation) -> None:
    home.subscribe(ANN, utm=GOOGLE, evidence=Evidence(PAGE))
    context = home.context
    erasure.forget(context.database, context.files, 1, home.clock.now)
    [row] = home.rows(signups)
    assert {row[name] for name in ("utm_source", "utm_medium", "utm_campaign", "page")} == {""}
    assert values(counted(home)) == {"": 1}
    assert listed(home, "", OriginDeed.SIGNED_UP) == []


def test_a_form_is_counted_since_a_given_day(home: Installation) -> None:
    come(home, ANN)
    home.clock.advance(timedelta(days=100))
    come(home, BOB)
    stored, now = home.context.stored, home.clock.now
    since = datetime(2020, 1, 1, tzinfo=UTC)
    ever = sources.count_sources_since(*stored, "pain-guide", SourceBy.SOURCE, since, now)
    lately = sources.count_sources_since(*stored, "pain-guide", SourceBy.SOURCE, None, now)
    assert (ever.total.signed_up, lately.total.signed_up) == (2, 1)
    with pytest.raises(UnknownFormError):
        sources.count_sources_since(*stored, "nothing", SourceBy.SOURCE, None, now)


@pytest.mark.parametrize(
    ("key", "error"), [("nothing", UnknownSequenceError), ("your-data", NoFormError)]
)
def test_only_a_sequence_with_a_form_has_figures(
    sqlite_home: Installation, key: str, error: type[Exception]
) -> None:
    stored, now = sqlite_home.context.stored, sqlite_home.clock.now
    with pytest.raises(error):
        sources.count_sources(*stored, key, SourceBy.SOURCE, Period.MONTH, now)
