"""Settings › Your website: keys, origins, thank-you pages and every way to connect a form."""

import re
from html import unescape
from io import BytesIO
from zipfile import ZipFile

import pytest
from flask.testing import FlaskClient

from nurture.services.door.site_keys import list_sites
from nurture.store.tables.refused_calls import refused_calls
from tests.installation import Installation
from tests.presence import at_least_one
from tests.web.studio import send

WEBSITE = "/studio/settings/website"
FORM = f"{WEBSITE}/pain-guide"
SITES, SITE = "/studio/settings/sites", "/studio/settings/sites/1"
ORIGINS = "/studio/settings/origins"


@pytest.fixture
def shop(paul: FlaskClient, sqlite_home: Installation) -> str:
    """The key of a website that Paul has added."""
    assert send(paul, WEBSITE, SITES, name="  The   shop ").status_code == 303
    [site] = list_sites(sqlite_home.context.database, sqlite_home.context.seal)
    assert site.name == "The shop"
    return site.key


def test_a_key_is_shown_only_at_the_press_of_a_button(paul: FlaskClient, shop: str) -> None:
    for page in at_least_one([WEBSITE, FORM, SITE]):
        assert shop not in paul.get(page).text
    shown = send(paul, SITE, f"{SITE}/key")
    assert f"https://emails.example.org/webhooks/signup/pain-guide/{shop}" in shown.text
    assert f"https://emails.example.org/connect/{shop}" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    form = send(paul, FORM, f"{FORM}/token", site="1").text
    assert f"https://emails.example.org/webhooks/signup/pain-guide/{shop}" in form
    assert "YOUR-KEY" not in form


def test_a_form_without_a_website_says_what_is_missing(paul: FlaskClient) -> None:
    page = paul.get(FORM).text
    assert "Add your website" in page
    assert "https://emails.example.org/f/pain-guide" in page


def test_revoking_a_key_says_first_what_stops(
    paul: FlaskClient, sqlite_home: Installation, shop: str
) -> None:
    asked = paul.get(f"{SITE}/revoke").text
    assert "refused at once" in asked
    assert "WordPress plugin" in asked
    path = f"/webhooks/signup/pain-guide/{shop}"
    called = sqlite_home.client.post(path, data={"email": "ann@example.org"})
    assert called.status_code == 202
    assert send(paul, f"{SITE}/revoke").status_code == 303
    called = sqlite_home.client.post(path, data={"email": "ben@example.org"})
    assert called.status_code == 404
    website = paul.get(WEBSITE).text
    assert "The shop, revoked on" in website
    assert send(paul, WEBSITE, f"{SITE}/key").status_code == 200
    assert shop not in paul.get(SITE).text


def test_a_refused_call_with_a_key_is_noted_under_its_form_without_the_key(
    paul: FlaskClient, sqlite_home: Installation, shop: str
) -> None:
    for key in (shop, "made-up-key"):
        sqlite_home.client.post(f"/webhooks/signup/pain-guide/{key}", json={"email": "no"})
    page = paul.get(FORM).text
    assert "This is not a deliverable email address" in page
    assert "There is no such address." in page
    noted = sqlite_home.rows(refused_calls)
    assert [row["name"] for row in noted] == ["pain-guide", "pain-guide"]
    assert shop not in str(noted)
    assert "made-up-key" not in str(noted)


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "tab\x07"])
def test_a_website_needs_a_name(paul: FlaskClient, sqlite_home: Installation, name: str) -> None:
    send(paul, WEBSITE, SITES, name=name)
    assert "That is no name for a website" in paul.get(WEBSITE).text
    assert list_sites(sqlite_home.context.database, sqlite_home.context.seal) == []


def test_origins_are_added_and_removed(paul: FlaskClient) -> None:
    send(paul, WEBSITE, ORIGINS, origin="Shop.example.net/contact")
    page = paul.get(WEBSITE).text
    assert "https://shop.example.net</code>" in page
    send(paul, WEBSITE, ORIGINS, origin="not a website")
    assert "That is no address of a website" in paul.get(WEBSITE).text
    send(paul, WEBSITE, f"{ORIGINS}/drop", origin="https://shop.example.net")
    assert "https://shop.example.net</code>" not in paul.get(WEBSITE).text


def test_a_thank_you_page_must_be_on_an_allowed_website(paul: FlaskClient) -> None:
    url = "https://shop.example.net/thanks"
    refused = send(paul, FORM, f"{FORM}/thanks", thanks_url=url)
    assert refused.status_code == 422
    assert "That page is on a website that is not on the list" in refused.text
    assert f'value="{url}"' in refused.text
    send(paul, WEBSITE, ORIGINS, origin="https://shop.example.net")
    assert send(paul, FORM, f"{FORM}/thanks", thanks_url=url).status_code == 303
    assert f'value="{url}"' in paul.get(FORM).text
    send(paul, FORM, f"{FORM}/thanks", thanks_url="")
    assert url not in paul.get(FORM).text


def test_the_plain_form_has_the_exact_wording_and_a_label_for_every_field(
    paul: FlaskClient, sqlite_home: Installation, shop: str
) -> None:
    page = send(paul, FORM, f"{FORM}/token", site="1").text
    code = re.search(r'aria-label="The form in HTML"><code>(.*?)</code>', page, re.DOTALL)
    assert code
    html = unescape(code[1])
    sequence = sqlite_home.context.get_published().sequence_of_form("pain-guide")
    assert sequence and sequence.form
    assert sequence.form.wording in unescape(html)
    assert f'action="https://emails.example.org/webhooks/signup/pain-guide/{shop}"' in html
    ids = re.findall(r'<input id="([^"]+)"', html)
    assert ids[:2] == ["nurture-first-name", "nurture-email"]
    assert re.findall(r'<label for="([^"]+)"', html) == ids
    sent = {"email": "ann@example.org", "first_name": "Ann", "consent[]": "news"}
    address = f"/webhooks/signup/pain-guide/{shop}"
    assert sqlite_home.client.post(address, data=sent).status_code == 202
    assert "news" in sqlite_home.person("ann@example.org")["purposes"]


def test_a_secret_that_a_builder_has_made_is_kept_sealed(
    paul: FlaskClient, sqlite_home: Installation, shop: str
) -> None:
    context = sqlite_home.context
    send(paul, SITE, f"{SITE}/secret", secret=" ")
    assert "That is no secret" in paul.get(SITE).text
    send(paul, SITE, f"{SITE}/secret", secret=" made-by-the-builder ")
    assert "Calls signed with this secret are recognised" in paul.get(SITE).text
    [site] = list_sites(context.database, context.seal)
    assert (site.secret, site.standard_secrets) == ("made-by-the-builder", ())
    assert "made-by-the-builder" not in paul.get(FORM).text


def test_the_plugin_is_downloaded_with_the_key_and_never_stored_by_the_browser(
    paul: FlaskClient, shop: str
) -> None:
    answer = send(paul, SITE, f"{SITE}/plugin")
    assert answer.headers["Cache-Control"] == "no-store"
    assert 'filename="nurture-signups.zip"' in answer.headers["Content-Disposition"]
    with ZipFile(BytesIO(answer.data)) as plugin:
        assert shop in plugin.read("nurture-signups/config.php").decode()
    assert paul.get(f"{SITE}/plugin").status_code in (404, 405)
    send(paul, f"{SITE}/revoke")
    assert send(paul, WEBSITE, f"{SITE}/plugin").status_code == 422


def test_a_website_that_does_not_exist_is_not_found(paul: FlaskClient) -> None:
    for path in at_least_one([f"{SITES}/99", f"{SITES}/99/revoke"]):
        assert paul.get(path).status_code == 404
    for path in at_least_one(["key", "revoke", "secret", "plugin"]):
        assert send(paul, WEBSITE, f"{SITES}/99/{path}").status_code == 404
