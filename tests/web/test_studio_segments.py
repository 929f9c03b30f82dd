"""Segments in the studio: read in words, built from menus without a script, and exported."""

import csv
import io
import json
import re

import pytest
from flask.testing import FlaskClient

from nurture.store.tables.revisions import revisions
from tests.installation import Installation
from tests.vocabulary import clicks
from tests.web.reading import words
from tests.web.studio import send, token_on

ANN, GOLF, NEW = "ann@example.org", "/studio/segments/golfers", "/studio/segments/new"
ROW = {
    "how": "all",
    "r0-kind": "clicked",
    "r0-what": "topic:golf",
    "r0-times": "2",
    "r0-days": "30",
}


@pytest.fixture
def ann(sqlite_home: Installation, paul: FlaskClient) -> FlaskClient:
    """Paul's browser, in an installation where Ann is a golfer and Bob is not."""
    sqlite_home.subscribe(ANN, "over-50-guide", first_name="Ann")
    sqlite_home.subscribe("bob@example.org")
    clicks(sqlite_home, ANN, 2)
    return paul


def test_every_segment_is_described_in_words_and_counted(ann: FlaskClient) -> None:
    page = words(ann.get("/studio/segments").text)
    assert "Everybody who clicked a link about Golf at least twice." in page
    assert "collected a guide, is cooling or asleep, and did not book a session" in page
    page = words(ann.get(GOLF).text)
    assert "1 person" in page and ANN in page and "bob@example.org" not in page
    assert "leads whoever is in it on to" in page
    assert ann.get("/studio/segments/nothing").status_code == 404
    assert ann.get("/studio/segments/nothing/edit").status_code == 404


def test_a_segment_is_exported_by_post_only(ann: FlaskClient) -> None:
    answer = send(ann, GOLF, f"{GOLF}/export", format="csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="golfers.csv"'
    assert answer.data.startswith(b"\xef\xbb\xbfemail,")
    [row] = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""))
    assert (row["email"], row["first_name"]) == (ANN, "Ann")
    answer = send(ann, GOLF, f"{GOLF}/export", format="ndjson")
    assert json.loads(answer.text)["email"] == ANN
    assert send(ann, GOLF, f"{GOLF}/export", format="exe").status_code == 400
    assert ann.get(f"{GOLF}/export").status_code in (404, 405)


def test_the_builder_counts_immediately_and_saves_nothing(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    before = sqlite_home.everything()
    page = words(send(ann, NEW, **ROW, do="look").text)
    assert "Everybody who clicked a link about Golf at least twice in the last 30 days." in page
    assert "1 person" in page and "Ann" in page
    for do in (
        "add",
        "add-group",
        "add:g0",
        "drop:r0",
        "drop:g0r7",
        "drop:",
        "nonsense:x",
        "check",
    ):
        assert send(ann, NEW, **ROW, title="Golf", do=do).status_code == 200, do
    assert ann.get(f"{GOLF}/edit").status_code == 200
    assert sqlite_home.everything() == before


def test_rows_and_groups_are_added_and_removed_by_buttons(ann: FlaskClient) -> None:
    two = send(ann, NEW, **ROW, do="add").text
    assert 'name="r1-kind"' in two and 'value="topic:golf" selected' in two
    grouped = send(ann, NEW, **ROW, do="add-group").text
    assert 'name="g0how"' in grouped and 'name="g0r0-kind"' in grouped
    inner = {"g0how": "any", "g0r0-kind": "booked", "g0r0-days": "90"}
    more = send(ann, NEW, **ROW, **inner, do="add:g0").text
    assert 'name="g0r1-kind"' in more
    gone = send(ann, NEW, **ROW, **inner, do="drop:g0").text
    assert 'name="g0how"' not in gone
    left = words(send(ann, NEW, **ROW, **inner, do="drop:r0").text)
    assert "Everybody who booked a session in the last 90 days." in left


def test_a_row_shows_the_menus_of_its_kind(ann: FlaskClient) -> None:
    page = send(ann, NEW, **(ROW | {"r0-kind": "not-in"}), do="look").text
    assert 'name="r0-state"' in page and 'name="r0-times"' not in page
    assert "was never in" in words(page)
    page = send(ann, NEW, **(ROW | {"r0-kind": "level"}), do="look").text
    assert "Everybody who is new." in words(page)
    page = send(ann, NEW, **(ROW | {"r0-kind": "rubbish", "r0-times": "x"}), do="look").text
    assert "clicked a link about Golf in the last 30 days" in words(page)


def test_a_segments_effect_is_shown_before_it_is_saved(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    page = words(send(ann, NEW, **ROW, title="Keen golfers", do="check").text)
    assert "1 person is in it from now on" in page and "No sequence asks for it" in page
    answer = send(ann, NEW, **ROW, title="Keen golfers", do="save")
    assert answer.location == "/studio/segments/keen-golfers"
    page = words(ann.get(answer.location).text)
    assert "Everybody who clicked a link about Golf at least twice in the last 30 days." in page


def test_a_segment_is_edited_in_its_menus(ann: FlaskClient) -> None:
    edit = ann.get(f"{GOLF}/edit").text
    assert 'value="topic:golf" selected' in edit and 'value="2" selected' in edit
    now = ROW | {"r0-times": "10", "title": "Golfers", "name": "golfers"}
    page = words(send(ann, f"{GOLF}/edit", **now, do="check").text)
    assert "0 people are in it from now on, where there was one" in page
    assert "0 people come in and 1 person drops out" in page
    assert "asks for it, and will go by the new one" in page
    assert send(ann, f"{GOLF}/edit", **now, do="save").location == GOLF
    assert "at least 10 times" in ann.get(GOLF).text


def test_a_missing_or_duplicate_value_is_reported_beside_its_field(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    before = sqlite_home.rows(revisions)
    for fields, said in (
        ({**ROW}, "Please give it a title"),
        ({**ROW, "title": "!!"}, "a letter or a digit"),
        ({"title": "Nothing"}, "at least one line"),
        ({**ROW, "title": "G", "name": "golfers"}, "There is a segment “golfers” already"),
        ({**ROW, "title": "G", "name": "new"}, "cannot be a name"),
    ):
        answer = send(ann, NEW, **fields, do="save")
        assert answer.status_code == 422 and said in answer.text, said
    renamed = ROW | {"title": "G", "name": "golf"}
    answer = send(ann, f"{GOLF}/edit", **renamed, do="save")
    assert answer.status_code == 422 and "cannot be renamed" in answer.text
    assert sqlite_home.rows(revisions) == before


def test_a_segment_the_menus_cannot_express_is_edited_as_text(ann: FlaskClient) -> None:
    text = '[[segments]]\nname = "golfers"\nall = [{ attribute = { first_name = "Ann" } }]'
    answer = send(ann, f"{GOLF}/text", text=text, do="check")
    assert "has the first name “Ann”" in answer.text and "What this changes" in answer.text
    assert send(ann, f"{GOLF}/text", text=text, do="save").location == GOLF
    assert ann.get(f"{GOLF}/edit").location == f"{GOLF}/text"
    assert "more than the menus can" in ann.get(f"{GOLF}/text").text
    assert "has the first name “Ann”" in ann.get(GOLF).text


@pytest.mark.parametrize("do", ["check", "save"])
def test_an_error_in_the_text_names_its_line_and_keeps_what_was_typed(
    sqlite_home: Installation, ann: FlaskClient, do: str
) -> None:
    before = sqlite_home.rows(revisions)
    answer = send(ann, f"{GOLF}/text", text='[[segments]]\nname = golf"ers', do=do)
    assert answer.status_code == 422
    assert "line 2" in answer.text and "golf&#34;ers" in answer.text
    assert sqlite_home.rows(revisions) == before


def test_deleting_a_segment_needs_confirmation_and_is_refused_while_in_use(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    quiet = "/studio/segments/gone-quiet"
    assert "Take “Gone quiet” away?" in ann.get(f"{quiet}/delete").text
    assert send(ann, f"{quiet}/delete").location == "/studio/segments"
    assert ann.get(quiet).status_code == 404
    assert ann.get(f"{GOLF}/delete").location == GOLF
    token = token_on(ann, GOLF)
    assert ann.post(f"{GOLF}/delete", data={"csrf_token": token}).location == GOLF
    assert "cannot be taken away" in ann.get(GOLF).text


def test_a_health_condition_says_that_only_consenting_people_count(ann: FlaskClient) -> None:
    page = send(ann, NEW, **(ROW | {"r0-what": "topic:back-pain"}), do="look").text
    assert "Only people who agreed to that are counted" in page
    assert "agreed to that are counted" not in send(ann, NEW, **ROW, do="look").text


def test_nothing_changes_without_a_session_or_the_forms_token(
    sqlite_home: Installation, ann: FlaskClient
) -> None:
    before = sqlite_home.everything()
    stranger = ann.application.test_client()
    for path in (NEW, f"{GOLF}/edit", f"{GOLF}/text", f"{GOLF}/delete", f"{GOLF}/export"):
        assert stranger.post(path, data={**ROW, "do": "save"}).status_code == 403, path
        assert ann.post(path, data={**ROW, "do": "save"}).status_code == 400, path
    assert sqlite_home.everything() == before


def test_htmx_is_redirected_after_saving(ann: FlaskClient) -> None:
    token = token_on(ann, NEW)
    fields = {**ROW, "title": "Keen", "do": "save", "csrf_token": token}
    answer = ann.post(NEW, data=fields, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/studio/segments/keen")
    assert re.search(r"hx-target=\"#builder\"", ann.get(NEW).text)


def test_a_condition_on_a_health_email_says_that_only_consenting_people_count(
    ann: FlaskClient,
) -> None:
    email = "email:over-50-guide/german-approach-to-back-pain"
    page = words(send(ann, NEW, **(ROW | {"r0-what": email}), do="look").text)
    assert "Only people who agreed to that are counted" in page
