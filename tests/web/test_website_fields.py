"""Forms that nothing could read: the owner says what their fields mean, and they are taken in."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from nurture.services.door.site_keys import add_site
from nurture.store.tables.kept_calls import field_mappings, kept_calls
from nurture.store.tables.signups import signups
from tests.installation import Installation
from tests.web.studio import send

TODAY, WEBSITE = "/studio/", "/studio/settings/website"
FIELDS = f"{WEBSITE}/pain-guide/fields"
RIGHT = {"email": "/q7/a", "first_name": "/q9", "name": "", "do": "save"}
ASIDE = {"praxis": {"b": "praxis@example.org", "c": "info@example.org"}}


@pytest.fixture
def anna(sqlite_home: Installation) -> Installation:
    """An installation to which a website has sent a form that nothing can read."""
    send_strange(sqlite_home, "anna@example.org")
    return sqlite_home


def send_strange(home: Installation, address: str, name: str = "Anna") -> None:
    context = home.context
    site = add_site(context.database, context.seal, "Shop", home.clock.now)
    fields = {"q7": {"a": address}, "q9": name, "terms": "on"} | ASIDE
    path = f"/webhooks/signup/pain-guide/{site.key}"
    assert home.client.post(path, json=fields).status_code == 202


def test_today_and_the_website_say_that_a_form_waits(paul: FlaskClient, anna: Installation) -> None:
    assert "1 form is waiting to be understood" in paul.get(TODAY).text
    assert "1 form for “pain-guide”" in paul.get(WEBSITE).text
    assert "anna@example.org" not in paul.get(WEBSITE).text + paul.get(TODAY).text


def test_the_page_shows_what_was_sent_to_a_signed_in_owner_alone(
    paul: FlaskClient, anna: Installation
) -> None:
    page = paul.get(FIELDS)
    assert page.headers["Cache-Control"] == "no-store"
    assert "q7 › a" in page.text
    assert "anna@example.org" in page.text
    assert anna.client.get(FIELDS).status_code == 303


def test_a_preview_says_who_would_be_signed_up_and_changes_nothing(
    paul: FlaskClient, anna: Installation
) -> None:
    page = send(paul, FIELDS, **RIGHT | {"do": "preview"}).text
    assert "Anna, anna@example.org, agrees to nothing beyond what the form says" in page
    ticked = send(paul, FIELDS, **RIGHT | {"do": "preview", "box-tracking": "/terms"}).text
    assert "agrees to what the form says and to tracking opens and clicks" in ticked
    odd = send(paul, FIELDS, **RIGHT | {"do": "preview", "email": "/q9", "first_name": ""}).text
    assert "Stays here: This is not a deliverable email address" in odd
    assert anna.rows(field_mappings) == []
    assert len(anna.rows(kept_calls)) == 1


def test_saving_signs_up_everyone_who_waits_at_their_own_time(
    paul: FlaskClient, anna: Installation
) -> None:
    came_at = anna.clock.now
    anna.clock.advance(timedelta(hours=2))
    assert send(paul, FIELDS, **RIGHT).status_code == 303
    page = paul.get(FIELDS).text
    assert "Saved. Signed up: 1 person." in page
    assert "Email address: q7 › a" in page
    [signup] = anna.rows(signups)
    assert signup["signed_up_at"] == came_at
    assert "waiting to be understood" not in paul.get(TODAY).text
    send_strange(anna, "ben@example.org", "Ben")
    assert anna.person("ben@example.org")["first_name"] == "Ben"


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"email": ""}, "No field is chosen for the email address"),
        ({"email": "q7"}, "is not the place of a field"),
        ({"email": "/" + "x" * 500}, "is not the place of a field"),
        ({"first_name": "/q7/a"}, "The email address cannot be another field as well"),
        (
            {"box-tracking": "/terms", "box-news": "/terms"},
            "One box cannot agree to two things",
        ),
    ],
    ids=["no address", "no pointer", "too long", "address twice", "one box for two"],
)
def test_a_mapping_that_makes_no_sense_is_refused(
    paul: FlaskClient, anna: Installation, choices: dict[str, str], said: str
) -> None:
    answer = send(paul, FIELDS, **RIGHT | choices)
    assert answer.status_code == 422
    assert said in answer.text
    assert anna.rows(field_mappings) == []


def test_a_mapping_can_be_changed_and_removed(paul: FlaskClient, anna: Installation) -> None:
    send(paul, FIELDS, **RIGHT | {"email": "/praxis/b"})
    [first] = anna.rows(field_mappings)
    assert 'value="/praxis/b" selected' in paul.get(f"{FIELDS}?edit={first['id']}").text
    send(paul, FIELDS, **RIGHT, instead_of=str(first["id"]))
    [second] = anna.rows(field_mappings)
    assert second["email"] == "/q7/a"
    send(paul, FIELDS, f"{FIELDS}/mappings/{second['id']}/remove")
    assert anna.rows(field_mappings) == []
    send_strange(anna, "ben@example.org", "Ben")
    assert "1 form is waiting" in paul.get(FIELDS).text


def test_trying_again_leaves_what_still_cannot_be_read(
    paul: FlaskClient, anna: Installation
) -> None:
    send(paul, FIELDS, f"{FIELDS}/again")
    page = paul.get(FIELDS).text
    assert "Signed up: 0 people. Still waiting to be understood: 1 form." in page


def test_one_or_all_of_what_waits_can_be_deleted(paul: FlaskClient, anna: Installation) -> None:
    send_strange(anna, "ben@example.org")
    send_strange(anna, "cleo@example.org")
    newest = anna.rows(kept_calls)[-1]["id"]
    send(paul, FIELDS, f"{FIELDS}/kept/{newest}/drop")
    assert len(anna.rows(kept_calls)) == 2
    assert "2 forms will be deleted" in paul.get(f"{FIELDS}/drop").text
    send(paul, f"{FIELDS}/drop")
    assert anna.rows(kept_calls) == []
    assert "Deleted: 2 forms." in paul.get(WEBSITE).text


def test_a_form_that_does_not_exist_has_no_fields(paul: FlaskClient, anna: Installation) -> None:
    assert paul.get(f"{WEBSITE}/made-up/fields").status_code == 404
    assert send(paul, FIELDS, f"{WEBSITE}/made-up/fields", **RIGHT).status_code == 404
    assert paul.get(f"{FIELDS}?edit=99999999999999999999").status_code == 200


def test_a_hostile_form_is_shown_as_text(paul: FlaskClient, sqlite_home: Installation) -> None:
    send_strange(sqlite_home, "<script>alert(1)</script>", "<b>")
    page = paul.get(FIELDS).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_half_a_character_that_a_visitor_sent_keeps_nobody_from_the_page(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    send_strange(sqlite_home, "anna@example.org", "Half of it: \ud800")
    assert "Half of it: ?" in paul.get(FIELDS).text
