"""Taking an import back: what it added goes, and what it changed is as it was."""

from datetime import timedelta

import pytest

from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.services.imports.undo import CannotUndoError, NoImportError
from nurture.services.subscribers import preferences
from nurture.store.tables.consents import consents, refused
from nurture.store.tables.imports import import_rows, imports
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import as_consents, subscribers
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation
from tests.lists import agreed, bring, client, left, said, take_back
from tests.vocabulary import ANN

NEW = "new@example.org"


def test_people_who_were_added_are_removed_and_their_proof_with_them(home: Installation) -> None:
    bring(home, [agreed(NEW), client("c@example.org"), left("l@example.org"), {"email": ANN}])
    done = take_back(home)
    assert (done.removed, done.restored, done.kept) == (4, 0, 0)
    assert {row["address"] for row in home.rows(subscribers)} == {None}
    assert home.rows(suppressions) == []
    [one] = home.rows(imports)
    assert one["undone_at"] == home.clock.now
    assert {(row["undone"], len(row["evidence"])) for row in home.rows(import_rows)} == {(True, 0)}


def test_people_who_were_here_are_as_they_were(home: Installation) -> None:
    home.subscribe(ANN)
    home.deliver()
    home.collect()
    home.clock.advance(timedelta(days=1))
    before, under_way = home.person(ANN), home.enrolment(ANN)["status"]
    bring(home, [agreed(ANN, **{"last name": "Lee"}), left(ANN, at="2020-01-02"), client(ANN)])
    assert home.person(ANN) != before and home.enrolment(ANN)["status"] != under_way
    done = take_back(home)
    assert (done.removed, done.restored) == (0, 1)
    assert home.person(ANN) == before and home.enrolment(ANN)["status"] == under_way
    assert home.rows(suppressions) == []


def test_a_consent_that_is_taken_back_is_no_refusal(home: Installation) -> None:
    home.subscribe(ANN)
    bring(home, [agreed(ANN)])
    take_back(home)
    assert [(row["granted"], row["source"]) for row in home.rows(consents)][-2:] == [
        (True, "evidence:1"),
        (False, "undone:1"),
    ]
    assert "articles" not in home.person(ANN)["purposes"]
    with home.context.database.reading() as connection:
        assert refused(connection, 1) == frozenset()
    assert bring(home, [agreed(ANN)]).changed == 1
    assert Purpose.ARTICLES in as_consents(home.person(ANN)["purposes"])


def test_people_who_have_since_decided_something_stay(home: Installation) -> None:
    bring(home, [agreed(NEW), agreed(ANN)])
    home.clock.advance(timedelta(hours=1))
    home.subscribe(ANN)
    number = home.person(NEW)["id"]
    preferences.unsubscribe(*home.context.stored, number, None, Evidence(), home.clock.now)
    done = take_back(home)
    assert (done.removed, done.restored) == (0, 2)
    assert home.person(ANN)["purposes"] and "articles" not in home.person(ANN)["purposes"]
    assert [row["reason"] for row in home.rows(suppressions)] == ["unsubscribed"]


def test_people_of_two_lists_stay_until_both_are_taken_back(home: Installation) -> None:
    bring(home, [agreed(ANN)])
    bring(home, [agreed(ANN), agreed(NEW)])
    assert take_back(home, 1).removed == 0
    assert home.person(ANN)["address"] == ANN
    assert take_back(home, 2).removed == 1


def test_after_the_first_email_it_is_refused_with_the_reason(home: Installation) -> None:
    bring(home, [agreed(ANN)], said({"series:pain-guide"}, start="pain-guide"))
    home.live(days=14)
    assert len(home.rows(messages)) > 0
    with pytest.raises(CannotUndoError, match="first email"):
        take_back(home)
    assert home.person(ANN)["purposes"]


def test_a_sequence_that_was_begun_ends_with_it(home: Installation) -> None:
    home.subscribe(ANN, form="over-50-guide")
    home.deliver()
    home.collect()
    home.clock.advance(timedelta(minutes=1))
    bring(home, [agreed(ANN)], said({"series:pain-guide"}, start="pain-guide"))
    assert home.enrolment(ANN)["status"] == "active"
    assert take_back(home).restored == 1
    assert home.enrolment(ANN)["status"] == "removed"


def test_it_is_taken_back_once_and_only_if_it_exists(home: Installation) -> None:
    bring(home, [agreed(ANN)])
    take_back(home)
    with pytest.raises(CannotUndoError, match="has been taken back"):
        take_back(home)
    with pytest.raises(NoImportError):
        take_back(home, 99)
