"""Each kind of email is kept, refused and taken back apart from every other."""

from datetime import timedelta
from pathlib import Path

import pytest

from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.consent import Evidence, Purpose, Scope, read_consents
from nurture.domain.subscribers.preferences import PreferenceChange, Wish
from nurture.services.backup import withdrawals
from nurture.services.subscribers import preferences
from nurture.store.tables import subscribers
from tests.installation import Installation
from tests.machines import backed_up, restored
from tests.vocabulary import ANN, FIRST, GUIDE

EVIDENCE = Evidence("https://emails.example.org/unsubscribed", "192.0.2.7", "A browser")
PAIN, OVER_50 = "pain-guide", "over-50-guide"


def keep_the_series(home: Installation) -> None:
    """Stop everything, then keep the series of the first form."""
    stored, number, now = home.context.stored, home.person(ANN)["id"], home.clock.now
    preferences.unsubscribe(*stored, number, None, EVIDENCE, now)
    series = Scope(Purpose.SERIES, PAIN)
    assert preferences.keep_only(*stored, number, series, EVIDENCE, now)


def test_a_series_kept_before_its_guide_is_collected_begins_once_it_is(home: Installation) -> None:
    home.subscribe(ANN)
    home.deliver()
    keep_the_series(home)
    home.live(days=10)
    assert home.statuses(ANN) == [(GUIDE, "accepted")]
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE
    home.collect(home.enrolment(ANN)["id"])
    home.live(days=5)
    assert (FIRST, "accepted") in home.statuses(ANN)


def choose(home: Installation, **chosen: bool) -> None:
    """Save the preference page with these boxes of kinds of email, and the others as they are."""
    stored, number, now = home.context.stored, home.person(ANN)["id"], home.clock.now
    streams = {Scope(Purpose(name)): yes for name, yes in chosen.items()}
    change = PreferenceChange(Wish.USUAL, tracking=False, health_topics=False, streams=streams)
    assert preferences.change_preferences(*stored, number, change, EVIDENCE, now)


def make_client(home: Installation) -> None:
    """Record that they bought something and may be told of the practice's own services."""
    treated = {"client_since": home.clock.now, "client_basis_at": home.clock.now}
    with home.context.database.writing() as connection:
        subscribers.change_subscriber(connection, home.person(ANN)["id"], **treated)


def streams_of(home: Installation) -> set[str]:
    words: frozenset[str] = home.person(ANN)["purposes"]
    return {scope.word for scope in read_consents(words).streams}


@pytest.fixture
def archived(sqlite_home: Installation, tmp_path: Path) -> Installation:
    """An installation with one person, whose backups and journal are kept elsewhere."""
    (tmp_path / "backups").mkdir()
    sqlite_home.settings = {"NURTURE_BACKUP_URL": str(tmp_path / "backups")}
    sqlite_home.__dict__.pop("context").database.close()
    sqlite_home.subscribe(ANN)
    return sqlite_home


def test_a_clients_no_to_news_outlives_a_restore_of_an_older_backup(
    archived: Installation, tmp_path: Path
) -> None:
    make_client(archived)
    file, words = backed_up(archived, tmp_path / "backups")
    archived.clock.advance(timedelta(hours=1))
    choose(archived, news=False)
    copy_out(archived)
    other, result = restored(archived, file, words)
    assert result.exit_code == 0, result.output
    assert other.person(ANN)["client_basis_at"] is None
    other.close()


def test_undoing_a_stop_after_a_restore_grants_nothing_refused_before_it(
    archived: Installation, tmp_path: Path
) -> None:
    choose(archived, articles=True, news=True)
    file, words = backed_up(archived, tmp_path / "backups")
    archived.clock.advance(timedelta(hours=1))
    choose(archived, news=False)
    archived.clock.advance(timedelta(hours=1))
    number, now = archived.person(ANN)["id"], archived.clock.now
    preferences.unsubscribe(*archived.context.stored, number, None, EVIDENCE, now)
    copy_out(archived)
    other, result = restored(archived, file, words)
    assert result.exit_code == 0, result.output
    other.clock.advance(timedelta(hours=1))
    preferences.resubscribe(*other.context.stored, number, EVIDENCE, other.clock.now)
    assert streams_of(other) == {f"series:{PAIN}", "articles"}
    other.close()


def copy_out(home: Installation) -> None:
    """Copy the withdrawals out of the database, as the worker does every minute."""
    journal = home.context.backup_setup.journal
    assert withdrawals.copy_out(home.context.database, journal, home.clock.now)
