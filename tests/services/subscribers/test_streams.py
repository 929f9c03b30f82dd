"""Each kind of email is kept, refused and taken back apart from every other."""

from datetime import timedelta
from pathlib import Path

import pytest

from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.simulation.simulate import simulate
from nurture.domain.simulation.world import What
from nurture.domain.subscribers.consent import Evidence, Purpose, Scope, read_consents
from nurture.domain.subscribers.preferences import PreferenceChange, Wish
from nurture.services.backup import withdrawals
from nurture.services.simulation.snapshot import portray
from nurture.services.simulation.world import world_as_published
from nurture.services.subscribers import on_behalf, preferences
from nurture.services.subscribers.on_behalf import NotPutBackError
from nurture.store.tables import subscribers
from nurture.store.tables.subscribers import FORM, IMPORT
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


def streams_of(home: Installation) -> set[str]:
    words: frozenset[str] = home.person(ANN)["purposes"]
    return {scope.word for scope in read_consents(words).streams}


def change_person(home: Installation, **values: object) -> None:
    with home.context.database.writing() as connection:
        subscribers.change_subscriber(connection, home.person(ANN)["id"], **values)


def test_an_unknown_address_of_a_list_is_confirmed_like_any_other_once_it_is_in_a_form(
    home: Installation,
) -> None:
    home.subscribe(ANN, OVER_50)
    change_person(home, came_by=IMPORT, basis_unknown=True, purposes=frozenset())
    home.subscribe(ANN, PAIN)
    person = home.person(ANN)
    assert (person["basis_unknown"], person["came_by"]) == (False, FORM)
    home.live(days=31)
    home.upkeep()
    assert home.rows(subscribers.subscribers)[0]["erased"]


def test_a_client_of_the_practice_is_kept_though_a_form_with_their_address_is_never_confirmed(
    home: Installation,
) -> None:
    home.subscribe(ANN, OVER_50)
    treated = {"client_since": home.clock.now, "client_basis_at": home.clock.now}
    change_person(home, came_by=IMPORT, basis_unknown=True, purposes=frozenset(), **treated)
    home.subscribe(ANN, PAIN)
    home.live(days=31)
    home.upkeep()
    assert not home.person(ANN)["erased"]


def test_nobody_is_put_back_into_a_series_they_no_longer_agree_to(home: Installation) -> None:
    for form in (PAIN, OVER_50):
        home.subscribe(ANN, form)
    home.live(days=31)  # They are let go, because they have not collected the guides.
    stored, now = home.context.stored, home.clock.now
    streams = {Scope(Purpose.SERIES, PAIN): False, Scope(Purpose.SERIES, OVER_50): True}
    change = PreferenceChange(Wish.USUAL, tracking=False, health_topics=False, streams=streams)
    assert preferences.change_preferences(*stored, 1, change, EVIDENCE, now)
    with pytest.raises(NotPutBackError):
        on_behalf.put_back(*stored, 1, PAIN, now)
    on_behalf.put_back(*stored, 1, OVER_50, now)


@pytest.mark.parametrize("came_by", [IMPORT, FORM])
def test_what_is_foretold_of_people_from_a_list_is_what_they_get(
    home: Installation, came_by: str
) -> None:
    home.subscribe(ANN)
    home.deliver()
    home.collect()
    change_person(home, came_by=came_by, confirmed_at=None)
    with home.context.database.reading() as connection:
        world = world_as_published(connection, home.context.catalogue)
        person = portray(connection, [1], home.clock.now)[1]
    events = simulate(world, person, home.clock.now)
    foretold = [one.step for one in events if one.what is What.SENT]
    home.live(days=100)
    assert [step for step, _ in home.statuses(ANN)][1:] == foretold
    assert bool(foretold) is (came_by == IMPORT)


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
    change_person(archived, client_since=archived.clock.now, client_basis_at=archived.clock.now)
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
