"""A person with an address at an international domain is one person, however it is spelt."""

import json

import pytest
from click.testing import CliRunner

from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.owner import sessions
from nurture.services.subscribers import erasure
from nurture.services.subscribers.lookup import UnknownPersonError, identify
from nurture.signatures import sign_standard_webhook
from nurture.store.queries.search import Search, find_people
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import suppress, suppressions
from tests.installation import MAIL_SECRET, Installation, calendly_call

LETTERS = "ann@bücher.example"
KNOWN = "ann@xn--bcher-kva.example"
SPELT = [LETTERS, KNOWN, "Ann@BÜCHER.example", "ann@XN--BCHER-KVA.example."]


def bounce(home: Installation, recipient: str) -> int:
    event = {"id": "e1", "type": "bounced", "recipient": recipient, "permanent": True}
    body = json.dumps({"events": [event]}, ensure_ascii=False).encode()
    headers = sign_standard_webhook(MAIL_SECRET, "m1", home.clock.now, body)
    return home.client.post("/webhooks/mail/generic", data=body, headers=headers).status_code


@pytest.mark.parametrize("spelt", SPELT)
def test_a_booking_ends_the_sequence_in_either_spelling_of_the_address(
    sqlite_home: Installation, spelt: str
) -> None:
    home = sqlite_home
    assert home.fill_in_form(LETTERS).status_code == 202
    home.deliver()
    assert calendly_call(home, "invitee.created", spelt, "A1").status_code == 204
    assert home.enrolment(KNOWN)["status"] == EnrolmentStatus.GOAL_REACHED


@pytest.mark.parametrize("spelt", SPELT)
def test_a_bounce_suppresses_a_known_person_in_either_spelling(
    sqlite_home: Installation, spelt: str
) -> None:
    home = sqlite_home
    home.fill_in_form(KNOWN)
    assert bounce(home, spelt) == 204
    hashes = [row["address_hash"] for row in home.rows(suppressions)]
    assert hashes == [home.person(KNOWN)["address_hash"]]


def test_signing_up_in_both_spellings_makes_one_person(home: Installation) -> None:
    for spelt in SPELT[:3]:
        assert home.fill_in_form(spelt).status_code == 202
    assert len(home.rows(subscribers)) == 1


@pytest.mark.parametrize("earlier", [LETTERS, KNOWN])
def test_an_old_opt_out_is_found_under_its_old_key(home: Installation, earlier: str) -> None:
    then = home.context.tokens.address_hash(earlier)
    with home.context.database.writing() as connection:
        suppress(connection, then, SuppressionReason.UNSUBSCRIBED, home.clock.now)
    for spelt in (LETTERS, KNOWN):
        assert home.fill_in_form(spelt).status_code == 202
        with pytest.raises(UnknownPersonError, match="not written to"):
            try:
                identify(home.context.database, home.context.tokens, spelt)
            except UnknownPersonError as unknown:
                raise UnknownPersonError(unknown.remedy) from None
    assert home.rows(subscribers) == []


def test_the_owner_finds_exports_and_erases_a_person_in_either_spelling(home: Installation) -> None:
    home.fill_in_form(LETTERS)
    context, now = home.context, home.clock.now
    with context.database.reading() as connection:
        for words in (LETTERS, KNOWN, "bücher.example", "Bücher", "@bücher.example", "ann@"):
            assert find_people(connection, Search(words), now, (), limit=9) == [1], words
        for words in ("。", "büch.example", "strasse"):
            assert find_people(connection, Search(words), now, (), limit=9) == [], words
    person = identify(context.database, context.tokens, LETTERS)
    erasure.forget(context.database, context.files, person, now)
    home.fill_in_form(LETTERS)
    assert home.rows(subscribers)[0]["erased"]
    assert bounce(home, LETTERS) == 204
    assert "cher" not in str(home.rows(subscribers))


def test_the_command_accepts_either_spelling(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nurture.cli import main

    home = sqlite_home
    home.fill_in_form(LETTERS)
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    for spelt in (LETTERS, KNOWN):
        told = CliRunner().invoke(main, ["export-person", spelt])
        assert told.exit_code == 0, told.output
        assert KNOWN in told.output


def test_an_owner_with_an_older_spelling_signs_in_and_is_not_added_twice(
    sqlite_home: Installation,
) -> None:
    from nurture.store.tables import owners

    database, now = sqlite_home.context.database, sqlite_home.clock.now
    with database.writing() as connection:
        owners.add_owner(connection, LETTERS, now)
    for spelt in (LETTERS, KNOWN):
        assert sessions.make_link(database, spelt, now)
    assert [owner.address for owner in sessions.all_owners(database)] == [LETTERS]
