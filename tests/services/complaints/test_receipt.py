"""Receiving complaints: each is stored once with its time, and nobody's flood drowns the rest."""

from datetime import timedelta

import pytest

from nurture.domain.complaints import PER_HOUR, PER_NETWORK_HOUR, Wording, read_wording
from nurture.services.complaints.receipt import TooManyComplaintsError, address_of, receive
from nurture.store.tables.complaints import Complaint, complaints
from tests.installation import Installation
from tests.installations import ScriptedSink

ANN, EVE = "ann@example.org", "eve@example.org"


def wording(text: str = "You wrote although I said no.") -> Wording:
    return read_wording(text, "Ann", "phone", "020 7946 0000")


def complain(
    home: Installation,
    text: str = "You wrote although I said no.",
    address: str = EVE,
    client: str = "192.0.2.7",
    subscriber: int | None = None,
) -> Complaint:
    now = home.clock.now
    return receive(home.context.database, wording(text), address, client, now, subscriber)


def test_a_complaint_is_stored_with_its_time_and_nothing_is_emailed(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    stored = complain(home)
    assert (stored.address, stored.subscriber_id, stored.by_link) == (EVE, None, False)
    assert (stored.received_at, stored.acknowledged_at) == (home.clock.now, None)
    assert len(stored.reference) == 9
    assert home.deliver() == 0
    assert smtp_sink.mails == []
    [row] = home.rows(complaints)
    assert row["network"] == "192.0.2.0/24"


def test_a_known_address_is_recognised_however_it_is_typed(home: Installation) -> None:
    home.subscribe(ANN)
    stored = complain(home, address="ANN@Example.org")
    assert (stored.subscriber_id, stored.address) == (home.person(ANN)["id"], "ANN@Example.org")
    assert not stored.by_link


def test_a_link_counts_more_than_a_typed_address(home: Installation) -> None:
    home.subscribe(ANN)
    number = home.person(ANN)["id"]
    assert address_of(home.context.database, number) == ANN
    stored = complain(home, address=EVE, subscriber=number)
    assert (stored.subscriber_id, stored.address, stored.by_link) == (number, ANN, True)


def test_the_same_words_within_an_hour_are_stored_once(home: Installation) -> None:
    first = complain(home)
    home.clock.advance(timedelta(minutes=59))
    assert complain(home) == first
    assert complain(home, "Something else.").id != first.id
    home.clock.advance(timedelta(minutes=2))
    assert complain(home).id != first.id


def test_a_network_can_send_only_a_number_of_complaints_an_hour(home: Installation) -> None:
    for n in range(PER_NETWORK_HOUR):
        complain(home, f"Number {n}.", client=f"192.0.2.{n}")
    with pytest.raises(TooManyComplaintsError):
        complain(home, "One more.", client="192.0.2.200")
    assert complain(home, "From elsewhere.", client="198.51.100.7")
    home.clock.advance(timedelta(hours=1))
    assert complain(home, "One more.", client="192.0.2.200")


def test_all_networks_together_can_send_only_a_number_an_hour(sqlite_home: Installation) -> None:
    for n in range(PER_HOUR):
        complain(sqlite_home, f"Number {n}.", client=f"10.{n}.0.1")
    with pytest.raises(TooManyComplaintsError):
        complain(sqlite_home, "One more.", client="192.0.2.1")


def test_visitors_who_cannot_be_distinguished_do_not_share_one_networks_limit(
    sqlite_home: Installation,
) -> None:
    for n in range(PER_NETWORK_HOUR + 1):
        complain(sqlite_home, f"Number {n}.", client="")
    assert len(sqlite_home.rows(complaints)) == PER_NETWORK_HOUR + 1
