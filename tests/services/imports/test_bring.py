"""Bringing a list in: what each pile becomes, and what stays as it is."""

from datetime import UTC, datetime, timedelta

import pytest

from nurture.domain.errors import NurtureError
from nurture.domain.imports.piles import Pile
from nurture.domain.subscribers.consent import Evidence, Purpose, Scope
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.evidence.record import gather
from nurture.services.subscribers import erasure, preferences
from nurture.services.subscribers.export import export
from nurture.store.tables.consents import consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.imports import import_rows, imports
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import as_consents, subscribers
from nurture.store.tables.suppressions import find_suppression, suppressions
from tests.installation import Installation
from tests.lists import agreed, bring, client, left, rehearsed, said, stated, take_back, write_list
from tests.vocabulary import ANN

THEN = datetime(2019, 5, 3, 9, 12, 44, tzinfo=UTC)


def suppressed_for(home: Installation, address: str) -> SuppressionReason | None:
    with home.context.database.reading() as connection:
        return find_suppression(connection, home.context.tokens.address_hashes(address)[0])


def test_evidence_becomes_a_consent_with_its_own_time_wording_and_network(
    home: Installation,
) -> None:
    row = agreed(ANN, wording="Yes, send me your articles.") | {"first name": "Ann"}
    result = bring(home, [row], said({"articles", "series:pain-guide"}))
    assert (result.survey.piles[Pile.EVIDENCE], result.changed) == (1, 1)
    person = home.person(ANN)
    assert (person["came_by"], person["first_name"]) == ("import", "Ann")
    assert person["confirmed_at"] == THEN
    assert person["created_at"] == person["quiet_since"] == home.clock.now
    agrees = as_consents(person["purposes"])
    assert agrees.scopes == {Scope(Purpose.ARTICLES), Scope(Purpose.SERIES, "pain-guide")}
    [first, second] = home.rows(consents)
    assert {first["source"], second["source"]} == {"evidence:1"}
    assert (first["said_at"], first["recorded_at"]) == (THEN, home.clock.now)
    assert (first["wording"], first["client"]) == ("Yes, send me your articles.", "81.2.69.142")


def test_evidence_without_words_says_what_is_recorded_and_names_no_network(
    home: Installation,
) -> None:
    bring(home, [agreed(ANN)])
    [record] = home.rows(consents)
    assert "3 May 2019" in record["wording"] and "not recorded" in record["wording"]
    assert "81.2" not in record["wording"]


def test_without_a_word_on_what_the_list_is_for_nobody_agrees_to_anything(
    home: Installation,
) -> None:
    assert bring(home, [agreed(ANN)], said(())).changed == 1
    assert home.rows(consents) == []
    assert home.person(ANN)["purposes"] == frozenset() and not home.person(ANN)["basis_unknown"]
    assert bring(home, [agreed(ANN)]).changed == 1
    assert home.person(ANN)["purposes"] == {"articles"}


def test_a_statement_becomes_a_consent_that_says_so_and_is_not_confirmed(
    home: Installation,
) -> None:
    bring(home, [{"email": ANN, "joined": "2019-05-03"}], stated(covers=frozenset({"articles"})))
    [record] = home.rows(consents)
    assert (record["source"], record["wording"]) == ("stated:1", "Send me articles.")
    assert record["page_url"] == "https://example.org/join"
    assert home.person(ANN)["confirmed_at"] is None


def test_a_client_gets_the_basis_and_no_consent(home: Installation) -> None:
    bring(home, [client(ANN)])
    person = home.person(ANN)
    assert person["client_since"] == person["client_basis_at"]
    assert person["client_since"].date().isoformat() in ("2019-05-02", "2019-05-03")
    assert home.rows(consents) == [] and not person["basis_unknown"]


def test_a_refusal_is_kept_with_its_time_and_an_earlier_reason_stays(home: Installation) -> None:
    bring(home, [left(ANN, at="2020-01-02 10:00:00"), left("b@example.org", "bounced")])
    assert suppressed_for(home, ANN) is SuppressionReason.UNSUBSCRIBED
    assert suppressed_for(home, "b@example.org") is SuppressionReason.BOUNCED
    [one] = [row for row in home.rows(suppressions) if row["reason"] == "unsubscribed"]
    assert one["since"] == datetime(2020, 1, 2, 10, tzinfo=UTC)
    home.clock.advance(timedelta(days=1))
    assert bring(home, [left(ANN, at="2021-01-02 10:00:00")]).changed == 0
    [again] = [row for row in home.rows(suppressions) if row["reason"] == "unsubscribed"]
    assert again["since"] == one["since"]


def test_a_refusal_ends_what_is_under_way_here(home: Installation) -> None:
    home.subscribe(ANN)
    assert bring(home, [left(ANN)]).changed == 1
    assert home.enrolment(ANN)["status"] == "unsubscribed"
    assert home.deliver() == 0


def test_the_unknown_are_there_and_get_nothing(home: Installation) -> None:
    bring(home, [{"email": ANN}])
    assert home.person(ANN)["basis_unknown"] and home.rows(consents) == []


def test_mistakes_are_listed_with_line_and_reason_and_leave_nothing_but_a_count(
    home: Installation,
) -> None:
    result = bring(home, [{"email": "no address"}, agreed(ANN)])
    [mistake] = result.survey.mistakes
    assert (mistake.line, mistake.found.sentence) == (
        2,
        "What stands in the row cannot be an address.",
    )
    [one] = home.rows(imports)
    assert one["mistakes"] == 1 and one["mistake_rows"][0][1:] == [2, mistake.found.sentence]
    assert [row["address"] for row in home.rows(subscribers)] == [ANN]


def test_a_rehearsal_writes_nothing_and_foresees_what_is_written(home: Installation) -> None:
    rows = [agreed(ANN), client("c@example.org"), left("l@example.org"), {"email": "u@example.org"}]
    before = home.everything()
    foreseen = rehearsed(home, rows)
    assert home.everything() == before
    assert foreseen.survey.counts == {
        "evidence": 1, "stated": 0, "client": 1, "suppressed": 1, "unknown": 1, "mistakes": 0,
    }  # fmt: skip
    assert bring(home, rows).changed == foreseen.changed == 4


def test_names_are_filled_in_and_never_overwritten(home: Installation) -> None:
    home.subscribe(ANN, first_name="Annie")
    home.subscribe("b@example.org")
    names = {"first name": "Ann", "last name": "Lee", "phone": "020 7946 0000"}
    bring(home, [agreed(ANN) | names, agreed("b@example.org") | names])
    ann, other = home.person(ANN), home.person("b@example.org")
    assert (ann["first_name"], ann["last_name"], ann["phone"]) == ("Annie", "", "020 7946 0000")
    assert (other["first_name"], other["last_name"]) == ("Ann", "Lee")


def test_a_form_that_waits_for_its_confirmation_goes_on_waiting(home: Installation) -> None:
    home.subscribe(ANN)
    bring(home, [agreed(ANN)], said({"articles", "series:pain-guide"}))
    assert home.person(ANN)["confirmed_at"] is None and home.person(ANN)["came_by"] == "form"


def test_what_was_withdrawn_here_stays_withdrawn(home: Installation) -> None:
    home.subscribe(ANN)
    context, nobody = home.context, Evidence()
    preferences.unsubscribe(*context.stored, 1, None, nobody, home.clock.now)
    bring(home, [agreed(ANN), client(ANN)], said({"articles", "news", "series:pain-guide"}))
    person = home.person(ANN)
    assert as_consents(person["purposes"]).streams == frozenset()
    assert person["client_basis_at"] is None
    assert suppressed_for(home, ANN) is SuppressionReason.UNSUBSCRIBED


def test_an_erased_person_is_not_written_down_again(home: Installation) -> None:
    home.subscribe(ANN)
    erasure.forget(home.context.database, home.context.files, 1, home.clock.now)
    result = bring(home, [agreed(ANN, **{"first name": "Ann"})])
    assert (result.survey.piles[Pile.EVIDENCE], result.changed) == (1, 0)
    assert [row["address"] for row in home.rows(subscribers)] == [None]
    assert home.rows(import_rows) == []


def test_whoever_comes_back_here_is_not_suppressed_by_the_same_file_again(
    home: Installation,
) -> None:
    bring(home, [left(ANN)])
    home.clock.advance(timedelta(days=1))
    preferences.resubscribe(*home.context.stored, 1, Evidence(), home.clock.now)
    home.clock.advance(timedelta(days=1))
    assert bring(home, [left(ANN)]).changed == 0
    assert suppressed_for(home, ANN) is None


def test_the_proof_is_exported_and_evidenced_and_goes_with_an_erasure(home: Installation) -> None:
    bring(home, [agreed(ANN)])
    context, now = home.context, home.clock.now
    exported = export(*context.stored, 1, now)
    assert exported and exported["import_rows"][0]["evidence"]["opted_in_ip"] == "81.2.69.142"
    proved = gather(*context.stored, context.tokens, ANN, now)
    assert proved["imports"][0]["evidence"]["opted_in_at"].startswith("2019-05-03")
    erasure.forget(context.database, context.files, 1, now)
    [row] = home.rows(import_rows)
    assert (row["evidence"], row["changes"], row["pile"]) == ({}, {}, "evidence")


def test_a_sequence_is_begun_only_if_chosen_and_by_those_with_a_right_to_it(
    home: Installation,
) -> None:
    rows = [agreed(ANN), {"email": "u@example.org"}, left("l@example.org")]
    covers = {"series:pain-guide"}
    bring(home, rows, said(covers))
    assert home.rows(enrolments) == []
    foreseen = rehearsed(home, rows, said(covers, start="pain-guide"))
    assert foreseen.starts == 1 and foreseen.start is not None
    begun = bring(home, rows, said(covers, start="pain-guide"))
    assert (begun.starts, begun.changed) == (1, 1)
    home.live_until(foreseen.start.first_at + timedelta(minutes=1))
    [mail] = home.messages_of(ANN)
    assert mail["step"] == foreseen.start.email and len(home.rows(messages)) == 1


def test_a_sequence_without_a_form_cannot_be_begun(home: Installation) -> None:
    with pytest.raises(NurtureError, match="pain-guide"):
        bring(home, [agreed(ANN)], said(start="nothing"))


def test_an_incomplete_statement_is_refused(home: Installation) -> None:
    with pytest.raises(NurtureError, match="incomplete"):
        bring(home, [agreed(ANN)], stated(where=""))
    with pytest.raises(NurtureError, match="series:pain-guide"):
        bring(home, [agreed(ANN)], said({"series:nothing"}))


def test_neither_the_database_nor_the_directory_keeps_the_file(home: Installation) -> None:
    path = write_list(home, [agreed(ANN, **{"last name": "Zebedee-Quux"})])
    content = path.read_bytes()
    bring(home, [agreed(ANN, **{"last name": "Zebedee-Quux"})])
    path.unlink()
    var = home.directory / "var"
    kept = [one for one in var.rglob("*") if one.is_file() and content in one.read_bytes()]
    assert kept == [] and not (var / "uploads").exists()


def test_people_of_an_import_taken_back_may_be_brought_in_again(home: Installation) -> None:
    bring(home, [agreed(ANN)])
    take_back(home)
    assert home.rows(subscribers)[0]["erased"]
    assert bring(home, [agreed(ANN)]).changed == 1
    assert home.person(ANN)["purposes"] == {"articles"}
