"""Fields are understood by what they are called, in the spellings in which people write it."""

from typing import Any

import pytest

from nurture.builders.fields.labels import (
    Labelled,
    boxes_in,
    find_address,
    is_address,
    labelled,
    names_in,
    read_labelled,
    utm_of,
    visit_in,
)
from nurture.domain.subscribers.consent import OWN_WORDINGS, Purpose
from nurture.domain.subscribers.tick_boxes import read_ticks

ALICE, BOB = "alice@example.org", "bob@example.net"
TRACKING = OWN_WORDINGS[Purpose.TRACKING]


@pytest.mark.parametrize(
    "label",
    [
        *("email", "Email", "EMAIL", "e-mail", "E-Mail", "eMail", "your-email", "Your e-mail"),
        *("Email (required)", "Email *", "email_address", "emailAddress", "No Label email"),
        *("Your Email Address:", "What's your email?", "Enter your email here", "Your best email"),
        *("E-Mail-Adresse", "Adresse e-mail", "Correo electrónico", "Seu melhor email", "mail"),
        *("email-123", "email_1516193541857", "Indirizzo e-mail"),
    ],
)
def test_an_address_is_found_under_any_spelling(label: str) -> None:
    assert find_address(labelled({"Friend": BOB, label: ALICE})) == ALICE


@pytest.mark.parametrize("label", ["Emailed before?", "Email of a friend", "mailing", "company"])
def test_a_label_that_only_mentions_email_is_not_the_address(label: str) -> None:
    assert find_address(labelled({label: BOB, "Email": ALICE})) == ALICE


def test_without_a_label_the_only_address_is_taken() -> None:
    assert find_address(labelled({"1": "Alice", "2": f" {ALICE} ", "3": "a@b", "4": None})) == ALICE


def test_the_same_address_twice_is_one() -> None:
    assert find_address(labelled({"1": ALICE, "2": "Alice@Example.org"})) == "Alice@Example.org"


@pytest.mark.parametrize(
    "fields", [{"1": ALICE, "2": BOB}, {"Email": ALICE, "Your e-mail": BOB}, {"name": "Alice"}, {}]
)
def test_two_addresses_or_none_are_not_guessed_at(fields: dict[str, str]) -> None:
    assert find_address(labelled(fields)) is None
    assert read_labelled(labelled(fields)) is None


def test_an_address_left_blank_is_not_replaced_by_somebody_elses() -> None:
    assert find_address(labelled({"Email": "", "Friend": BOB})) == ""


@pytest.mark.parametrize(
    "text", ["", "@", "alice", "a b@example.org", "x@\ud800.org", f"To {ALICE}"]
)
def test_only_a_whole_address_is_an_address(text: str) -> None:
    assert not is_address(text)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"First name": "Alice"}, {"first_name": "Alice"}),
        ({"first-name": "Alice", "last-name": "Example"}, {"first_name": "Alice"}),
        ({"Prénom": "Alice", "Nom": "Example"}, {"first_name": "Alice"}),
        ({"Vorname": "Alice", "Nachname": "Example"}, {"first_name": "Alice"}),
        ({"FNAME": "Alice"}, {"first_name": "Alice"}),
        ({"Your name": "Alice Example"}, {"name": "Alice Example"}),
        ({"names": {"first_name": "Alice", "last_name": ""}}, {"first_name": "Alice"}),
        ({"Name (First)": "Alice"}, {"first_name": "Alice"}),
        ({"Company name": "Example Ltd", "surname": "Example"}, {}),
    ],
)
def test_names_are_found(fields: dict[str, Any], names: dict[str, str]) -> None:
    found = names_in(labelled(fields))
    assert {key: found.get(key) for key in names} == names
    assert "first_name" in names or "first_name" not in found


def test_the_name_of_a_form_is_nobodys_name() -> None:
    assert names_in(labelled({"form": {"name": "Free guide"}, "site": {"name": "Practice"}})) == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"tracking": "on"},
        {"No Label tracking": "on"},
        {"tracking-12": "1"},
        {TRACKING: "Yes"},
        {"consent": "tracking"},
        {"acceptance-1": TRACKING},
        {"checkbox-7": ["Back pain", "tracking"]},
        {"Anything": TRACKING},
        {"consent": {"tracking": "true", "news": ""}},
        {"f": {"1": {"label": TRACKING, "value": "1"}}},
    ],
)
def test_a_box_that_says_what_it_is_for_counts(fields: dict[str, Any]) -> None:
    assert read_ticks(boxes_in(labelled(fields))).purposes == (Purpose.TRACKING,)


@pytest.mark.parametrize(
    "fields",
    [{"consent": "1"}, {"newsletter": "yes"}, {"I agree to be emailed": "on"}, {"GDPR": 1}],
)
def test_a_box_that_does_not_say_what_it_is_for_is_told_and_grants_nothing(
    fields: dict[str, Any],
) -> None:
    said = read_ticks(boxes_in(labelled(fields)))
    assert said.purposes == ()
    assert len(said.not_understood) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"consent": ""},
        {"tracking": "off", TRACKING: None},
        {"How did you find us?": "news"},
        {"Interests": ["Health topics"]},
        {"consent_text": TRACKING, "consent": "0"},
        {"Consent label": TRACKING},
        {"message": f"Why does it say: {TRACKING}"},
    ],
)
def test_what_is_no_ticked_box_grants_nothing_and_is_not_told(fields: dict[str, Any]) -> None:
    said = read_ticks(boxes_in(labelled(fields)))
    assert said.purposes == said.not_understood == ()


def test_the_visit_is_read() -> None:
    fields = {
        "Referrer": "https://search.example.net/?utm_source=search",
        "Page URL": "https://practice.example.org/guide?utm_source=letter&utm_medium=email",
        "Remote IP": "203.0.113.7",
        "UTM Campaign": "spring",
        "tz": "Europe/London",
    }
    assert visit_in(labelled(fields)) == {
        "page_url": "https://practice.example.org/guide?utm_source=letter&utm_medium=email",
        "client_ip": "203.0.113.7",
        "time_zone": "Europe/London",
        "utm_source": "letter",
        "utm_medium": "email",
        "utm_campaign": "spring",
    }


def test_a_page_without_its_host_still_says_where_the_visitor_came_from() -> None:
    assert utm_of(["/guide/?utm_source=letter", "https://[", "?" + "a=1&" * 500]) == {
        "utm_source": "letter"
    }


def test_a_label_with_brackets_is_no_group() -> None:
    assert find_address(labelled({"Email ": {"required": ALICE}, "Friend": BOB})) == ALICE


def test_a_field_of_the_kind_url_is_not_the_page() -> None:
    website = {"type": "url", "title": "Website", "value": "https://alice.example.net/"}
    assert visit_in(labelled({"fields": {"website": website}})) == {}


def test_a_described_field_is_called_by_its_key_and_its_label() -> None:
    field = {"label": "E-mail", "type": "text", "value": ALICE}
    assert labelled({"fields": [field]}) == [Labelled(("", "E-mail"), ALICE)]


def test_more_fields_than_a_form_has_are_not_examined() -> None:
    assert len(labelled({str(number): "x" for number in range(5_000)})) == 500
