"""A website's form builder calls with the site's key, and the visitor is signed up."""

from urllib.parse import urlencode

import pytest

from nurture.services.door.site_keys import add_site
from nurture.store.tables.kept_calls import kept_calls
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers
from tests.builders.captured import CapturedCall, captured_calls, name_of
from tests.installation import Installation, as_json
from tests.vocabulary import ANN

FORM = "application/x-www-form-urlencoded"


def address_with_key(home: Installation) -> str:
    """Return the address that a new website enters into its form builder."""
    context = home.context
    site = add_site(context.database, context.seal, "practice.example.org", home.clock.now)
    return f"/webhooks/signup/pain-guide/{site.key}"


def test_elementor_signs_a_visitor_up_as_php_sends_it(home: Installation) -> None:
    fields = {
        "form[id]": "7ae7988",
        "form[name]": "New Form",
        "fields[name][id]": "name",
        "fields[name][title]": "Your name",
        "fields[name][value]": "Ann Example",
        "fields[email][title]": "E-mail (required)",
        "fields[email][value]": ANN,
        "fields[tracking][type]": "acceptance",
        "fields[tracking][value]": "on",
        "meta[page_url][value]": "https://practice.example.org/guide?utm_source=letter",
    }
    answer = home.client.post(address_with_key(home), data=urlencode(fields), content_type=FORM)
    assert answer.status_code == 202
    assert home.person(ANN)["first_name"] == "Ann"
    [signup] = home.rows(signups)
    assert signup["utm"] == {"utm_source": "letter"}
    assert home.rows(kept_calls) == []


@pytest.mark.parametrize("call", captured_calls(), ids=name_of)
def test_every_captured_call_signs_its_visitor_up(
    sqlite_home: Installation, call: CapturedCall
) -> None:
    path = address_with_key(sqlite_home)
    answer = sqlite_home.client.post(path, data=call.body, content_type=call.content_type)
    assert answer.status_code == 202
    assert [row["address"] for row in sqlite_home.rows(subscribers)] == ["alice@example.org"]
    assert sqlite_home.rows(kept_calls) == []


def test_json_under_the_content_type_of_a_form_is_read(sqlite_home: Installation) -> None:
    """WordPress says that everything it posts is a form, unless a plugin says otherwise."""
    body = as_json({"Email": ANN, "First name": "Ann", "Message": "1 + 1 = 2 & more"})
    path = address_with_key(sqlite_home)
    answer = sqlite_home.client.post(path, data=body, content_type=FORM)
    assert answer.status_code == 202
    assert sqlite_home.person(ANN)["first_name"] == "Ann"


def test_a_form_with_two_addresses_is_kept_and_signs_nobody_up(home: Installation) -> None:
    body = as_json({"form_id": "1", "1.3": "Ann", "2": ANN, "3": "friend@example.net"})
    path = address_with_key(home)
    answer = home.client.post(path, data=body, content_type="application/json")
    assert answer.status_code == 202
    assert home.rows(subscribers) == []
    [kept] = home.rows(kept_calls)
    assert kept["form"] == "pain-guide"


def test_a_blank_address_is_refused_rather_than_kept(sqlite_home: Installation) -> None:
    path = address_with_key(sqlite_home)
    answer = sqlite_home.client.post(path, data={"your-email": "", "your-name": "Ann"})
    assert answer.status_code == 422
    assert sqlite_home.rows(kept_calls) == []
