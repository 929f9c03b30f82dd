"""The form for complaints: open to everyone, kind about mistakes, and nothing is lost silently."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from nurture.bootstrap import bring_up_to_date
from nurture.domain.complaints import LONGEST_TEXT, PER_NETWORK_HOUR
from nurture.services.evidence.keys import public_keys
from nurture.services.subscribers import erasure
from nurture.store.tables.complaints import complaints
from nurture.tokens import Tokens
from nurture.web.complaints import TRAP
from tests.installation import Installation, link_in
from tests.installations import ScriptedSink
from tests.web.reading import words
from webhooks import create_app

ANN, EVE = "ann@example.org", "eve@example.org"
SAID = {"text": "You wrote although I said no.", "address": EVE, "answer_by": "email"}


@pytest.fixture
def own_form(sqlite_home: Installation, smtp_sink: ScriptedSink) -> str:
    """The path of the form that Ann's preference page links to."""
    sqlite_home.subscribe(ANN)
    sqlite_home.deliver()
    path = urlsplit(link_in(smtp_sink.mails[0], "preferences")).path
    form = path.replace("/preferences/", "/complaint/")
    assert f'href="{form}"' in sqlite_home.client.get(path).text
    return form


def send(home: Installation, path: str = "/complaint", **changed: str) -> TestResponse:
    return home.client.post(path, data=SAID | changed)


def test_looking_at_the_form_changes_nothing(sqlite_home: Installation, own_form: str) -> None:
    before = sqlite_home.everything()
    for path in ("/complaint", own_form):
        for method in ("GET", "HEAD", "OPTIONS"):
            query = {"text": "You wrote.", "address": EVE}
            answer = sqlite_home.client.open(path, method=method, query_string=query)
            assert answer.status_code == 200
            assert "Set-Cookie" not in answer.headers
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert sqlite_home.everything() == before


def test_the_answer_names_the_reference_the_last_day_and_the_ico(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    answer = send(home, name="Eve")
    [row] = home.rows(complaints)
    said = words(answer.text)
    assert answer.status_code == 200
    assert row["reference"] in said and "within 30 days" in said
    last_day = row["received_at"] + timedelta(days=29)
    assert f"{last_day.day} {last_day:%B %Y}" in said
    assert "https://ico.org.uk/make-a-complaint" in answer.text
    assert "e•••@example.org" in said and EVE not in said
    assert (row["text"], row["name"], row["address"]) == (SAID["text"], "Eve", EVE)
    assert home.deliver() == 0 and smtp_sink.mails == []


def test_a_form_sent_twice_is_one_complaint(sqlite_home: Installation) -> None:
    assert send(sqlite_home).text == send(sqlite_home).text
    assert len(sqlite_home.rows(complaints)) == 1


def test_the_link_of_an_email_knows_the_address_and_shows_it_only_in_part(
    sqlite_home: Installation, own_form: str
) -> None:
    page = sqlite_home.client.get(own_form).text
    assert "a•••@example.org" in page and ANN not in page
    assert 'name="address"' not in page
    assert send(sqlite_home, own_form).status_code == 200
    [row] = sqlite_home.rows(complaints)
    assert (row["address"], row["by_link"]) == (ANN, True)
    assert row["subscriber_id"] == sqlite_home.person(ANN)["id"]


def test_a_forged_link_and_one_by_a_leaked_key_open_no_form(
    sqlite_home: Installation, own_form: str
) -> None:
    assert send(sqlite_home, "/complaint/nonsense").status_code == 404
    leaked = "a-key-that-has-leaked-long-ago"
    context = sqlite_home.another(NURTURE_LEAKED_KEYS=leaked)
    path = f"/complaint/{Tokens([leaked]).preferences(1)}"
    answer = create_app(context).test_client().post(path, data=SAID)
    assert answer.status_code == 410
    assert "•••" not in answer.text and 'href="/complaint"' in answer.text
    assert sqlite_home.rows(complaints) == []
    context.database.close()


def test_an_erased_person_is_led_to_the_open_form(sqlite_home: Installation, own_form: str) -> None:
    context = sqlite_home.context
    erasure.forget(context.database, context.files, 1, sqlite_home.clock.now)
    answer = send(sqlite_home, own_form)
    assert answer.status_code == 404 and 'href="/complaint"' in answer.text
    assert send(sqlite_home, address=ANN).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": ""},
        {"text": "x" * (LONGEST_TEXT + 1)},
        {"address": ""},
        {"address": "nobody"},
        {"answer_by": "phone"},
    ],
)
def test_a_mistake_is_named_and_what_was_written_stays(
    sqlite_home: Installation, wrong: dict[str, str]
) -> None:
    answer = send(sqlite_home, name="Eve & Co", **wrong)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text and "aria-invalid" in answer.text
    assert 'value="Eve &amp; Co"' in answer.text
    assert sqlite_home.rows(complaints) == []


def test_the_longest_complaint_fits_in_any_script(sqlite_home: Installation) -> None:
    assert send(sqlite_home, text="🙁" * LONGEST_TEXT).status_code == 200
    assert sqlite_home.rows(complaints)[0]["text"] == "🙁" * LONGEST_TEXT
    too_much = send(sqlite_home, text="🙁" * 3 * LONGEST_TEXT)
    assert too_much.status_code == 413 and "at most 5,000 characters" in words(too_much.text)


def test_line_ends_are_kept_and_what_no_database_can_store_is_not(home: Installation) -> None:
    assert send(home, text="One.\r\nTwo\0.\r\n").status_code == 200
    assert home.rows(complaints)[0]["text"] == "One.\nTwo."


def test_a_program_that_fills_every_field_in_is_stopped_and_a_person_is_not(
    sqlite_home: Installation,
) -> None:
    answer = send(sqlite_home, **{TRAP: "https://casino.example"})
    assert answer.status_code == 422
    assert sqlite_home.rows(complaints) == []
    assert SAID["text"] in answer.text and "casino" not in answer.text
    assert send(sqlite_home).status_code == 200


def test_another_website_cannot_send_it_from_its_visitors_browsers(
    sqlite_home: Installation,
) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = sqlite_home.client.post("/complaint", data=SAID, headers=headers)
    assert answer.status_code == 422
    assert sqlite_home.rows(complaints) == []


def test_a_flood_from_one_network_is_refused_and_says_where_to_write(
    sqlite_home: Installation,
) -> None:
    for n in range(PER_NETWORK_HOUR):
        assert send(sqlite_home, text=f"Number {n}.").status_code == 200
    answer = send(sqlite_home, text="And one more.")
    assert answer.status_code == 429
    assert "mailto:" in answer.text and "And one more." in answer.text
    elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
    other = sqlite_home.client.post("/complaint", data=SAID, environ_overrides=elsewhere)
    assert other.status_code == 200


def test_the_public_key_is_published_and_looking_makes_none(sqlite_home: Installation) -> None:
    before = sqlite_home.everything()
    assert sqlite_home.client.get("/privacy/key").status_code == 404
    assert sqlite_home.everything() == before
    bring_up_to_date(sqlite_home.context)
    answer = sqlite_home.client.get("/privacy/key")
    assert answer.text == public_keys(sqlite_home.context.database)
    assert answer.mimetype == "text/plain"
    assert 'href="/privacy/key"' in sqlite_home.client.get("/complaint").text
