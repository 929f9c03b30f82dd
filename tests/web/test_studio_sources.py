"""The pages that show where people came from, and the switch for links to the website."""

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from nurture.domain.subscribers.consent import Evidence
from nurture.store.tables.signups import signups
from tests.installation import Installation
from tests.web.studio import FACTS, PRACTICE, send

SEQUENCE = "/studio/sequences/pain-guide"
SOURCES = f"{SEQUENCE}/sources"
ANN = "ann@example.org"
UTM = {"utm_source": "Google", "utm_medium": "cpc", "utm_campaign": "spring-pain"}
PAGE = "https://human-movement.com/free-guide?utm_source=Google"


def words(browser: FlaskClient, path: str) -> str:
    """Return a page's text as a reader sees it."""
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    main = answer.text.partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


@pytest.fixture
def ann(sqlite_home: Installation) -> Installation:
    """Ann came from Google, and someone from nowhere."""
    sqlite_home.subscribe(ANN, first_name="Ann", utm=UTM, evidence=Evidence(PAGE))
    sqlite_home.subscribe("bob@example.org")
    return sqlite_home


def test_the_figures_lead_to_the_people_behind_them(ann: Installation, paul: FlaskClient) -> None:
    page = paul.get(SOURCES)
    assert "google 1 signed up, google 0 0 0" in words(paul, SOURCES)
    assert "Not known 1" in words(paul, SOURCES)
    assert "All 2 0 0 0" in words(paul, SOURCES)
    [link] = re.findall(r'href="([^"]*/people[^"]*value=google[^"]*)"', page.text)
    people = words(paul, unescape(link))
    assert "Signed up: source “google”" in people
    assert f"Ann {ANN}" in people
    assert "bob@example.org" not in people


@pytest.mark.parametrize(
    ("by", "heading", "value"),
    [
        ("medium", "By medium", "cpc"),
        ("campaign", "By UTM campaign", "spring-pain"),
        ("page", "By page", "/free-guide"),
        ("nonsense", "By source", "google"),
    ],
)
def test_the_figures_can_be_sorted_by_each_thing_known(
    ann: Installation, paul: FlaskClient, by: str, heading: str, value: str
) -> None:
    shown = words(paul, f"{SOURCES}?by={by}&period=year")
    assert heading in shown
    assert f"{value} 1 signed up" in shown


def test_people_whose_origin_is_not_known_have_a_list_too(
    ann: Installation, paul: FlaskClient
) -> None:
    shown = words(paul, f"{SOURCES}/people?by=campaign&value=&deed=signed_up")
    assert "Signed up: UTM campaign not known" in shown
    assert "bob@example.org" in shown
    assert "Nobody." in words(paul, f"{SOURCES}/people?value=google&deed=booked&before=1")


def test_the_figures_are_linked_where_one_looks_for_them(
    ann: Installation, paul: FlaskClient
) -> None:
    for page in (SEQUENCE, "/studio/settings/website"):
        assert f'href="{SOURCES}"' in paul.get(page).text
    assert "/sources" not in paul.get("/studio/sequences/your-data").text
    assert paul.get("/studio/sequences/your-data/sources").status_code == 404
    assert paul.get("/studio/sequences/nothing/sources/people").status_code == 404


def test_a_persons_page_says_where_they_came_from(ann: Installation, paul: FlaskClient) -> None:
    said = "on human-movement.com/free-guide, from Google (cpc, spring-pain)."
    shown = words(paul, "/studio/people/1")
    assert "Where they came from Signed up on 2 March through “9 key principles" in shown
    assert said in shown
    assert "Where they came from" not in words(paul, "/studio/people/2")


def test_what_a_website_sends_is_shown_as_text(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    sqlite_home.subscribe(ANN, utm={"utm_source": "<img src=x>"})
    for page in (SOURCES, f"{SOURCES}/people?value=<img src=x>", "/studio/people/1"):
        assert "<img src=x" not in paul.get(page).text
    assert sqlite_home.rows(signups)[0]["utm_source"] == "<img src=x>"


def test_the_switch_for_links_to_the_website_is_kept(
    sqlite_home: Installation, paul: FlaskClient
) -> None:
    assert not sqlite_home.context.practice.link_utm
    assert (
        send(paul, PRACTICE, **FACTS, link_utm="yes", link_utm_source="letter").status_code == 303
    )
    practice = sqlite_home.context.practice
    assert (practice.link_utm, practice.link_utm_source) == (True, "letter")
    assert re.search(r'name="link_utm" value="yes" checked', paul.get(PRACTICE).text)
    assert send(paul, PRACTICE, **FACTS).status_code == 303
    practice = sqlite_home.context.practice
    assert (practice.link_utm, practice.link_utm_source) == (False, "email")


def test_a_source_that_reads_badly_is_refused_beside_its_field(paul: FlaskClient) -> None:
    answer = send(paul, PRACTICE, **FACTS, link_utm="yes", link_utm_source="My Letters")
    assert answer.status_code == 422
    assert 'id="link_utm_source-error">Use small letters' in answer.text
