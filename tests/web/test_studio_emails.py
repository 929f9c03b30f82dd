"""The editor: what Paul edits, previews, publishes and undoes there."""

import re

import pytest
from flask.testing import FlaskClient

from tests.installation import Installation, subjects
from tests.installations import ScriptedSink
from tests.web.studio import GUIDE_EMAIL, PAUL, fields, send, token_on


def test_every_email_is_listed_with_its_state(paul: FlaskClient) -> None:
    page = paul.get("/studio/emails/").text
    assert "Your 21-page guide is ready to collect" in page
    assert "published" in page and "draft" not in page.partition("<main")[2]


def test_a_corrected_typo_is_right_in_the_next_email(
    paul: FlaskClient, sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    said = fields(paul, subject="Your guide is here", action="publish")
    assert paul.post(GUIDE_EMAIL, data=said).status_code == 303
    assert "Everybody who gets this email" in paul.get(GUIDE_EMAIL).text
    sqlite_home.subscribe("ann@example.org")
    sqlite_home.deliver()
    assert subjects(smtp_sink.mails) == ["Your guide is here"]


def test_typing_is_saved_as_a_draft_and_a_second_window_is_warned(
    paul: FlaskClient,
) -> None:
    said = fields(paul, subject="Half a")
    first = paul.post(f"{GUIDE_EMAIL}/draft", data=said)
    assert first.get_json() == {"version": 1}
    again = paul.post(f"{GUIDE_EMAIL}/draft", data=said | {"subject": "Other"})
    assert again.status_code == 409
    assert "another window" in again.get_json()["trouble"]
    assert 'value="Half a"' in paul.get(GUIDE_EMAIL).text
    assert "draft" in paul.get("/studio/emails/").text
    paul.post(GUIDE_EMAIL, data=fields(paul, action="discard"))
    assert 'value="Half a"' not in paul.get(GUIDE_EMAIL).text


def test_an_email_with_errors_is_not_published_and_loses_no_text(paul: FlaskClient) -> None:
    said = fields(paul, action="publish")
    body = said["body"].replace("{{ first_name }}", "{{ frist_name }}")
    answer = paul.post(GUIDE_EMAIL, data=said | {"body": body})
    assert answer.status_code == 409
    assert "frist_name" in answer.text and "there is no value" in answer.text
    assert re.search(r"Line \d+: there is no value", answer.text)


def test_the_preview_shows_the_typed_text_and_runs_nothing(paul: FlaskClient) -> None:
    said = fields(paul, as_whom="Ann", mode="dark")
    shown = paul.post(f"{GUIDE_EMAIL}/preview", data=said)
    assert "Hello Ann," in shown.text
    assert "prefers-color-scheme: dark" not in shown.text
    policy = shown.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'") and "img-src https:" in policy
    bare = paul.post(f"{GUIDE_EMAIL}/preview", data=said | {"look": "no-images"})
    assert "img-src 'none'" in bare.headers["Content-Security-Policy"]
    plain = paul.post(f"{GUIDE_EMAIL}/preview", data=said | {"look": "text"}).text
    assert "Hello Ann," in plain and "<table" not in plain
    broken = paul.post(f"{GUIDE_EMAIL}/preview", data=said | {"body": "<script>{{ nobody }}"})
    assert broken.status_code == 200
    assert "cannot be shown yet" in broken.text and "<script>" not in broken.text


def test_a_test_email_goes_to_the_signed_in_owner(
    paul: FlaskClient, smtp_sink: ScriptedSink
) -> None:
    paul.post(GUIDE_EMAIL, data=fields(paul, action="test"))
    [mail] = smtp_sink.mails
    assert mail.message["To"] == PAUL
    assert str(mail.message["Subject"]).startswith("[Test] ")


def test_the_editor_shows_the_text_without_front_matter_or_tags(paul: FlaskClient) -> None:
    body = fields(paul)["body"]
    assert body.startswith("# Here is the guide you asked for\n")
    assert "+++" not in body and "subject =" not in body and not re.search(r"</?[a-z]", body)


def test_topics_are_separated_by_commas(paul: FlaskClient) -> None:
    paul.post(GUIDE_EMAIL, data=fields(paul, topics="Golf, low-back", action="publish"))
    assert 'name="topics" type="text" value="golf, low-back"' in paul.get(GUIDE_EMAIL).text
    refused = paul.post(GUIDE_EMAIL, data=fields(paul, topics="two&words", action="publish"))
    assert refused.status_code == 409
    assert "is no topic" in refused.text


def test_an_untouched_form_publishes_no_change(paul: FlaskClient) -> None:
    said = fields(paul, topics="", action="publish")
    del said["preheader"]
    assert paul.post(GUIDE_EMAIL, data=said).status_code == 303
    assert "Revision 2" not in paul.get(f"{GUIDE_EMAIL}/history").text


def test_concerns_are_shown_while_typing_and_nothing_is_saved(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    said, before = fields(paul), sqlite_home.everything()
    part = paul.post(f"{GUIDE_EMAIL}/concerns", data=said | {"body": "Hello\n\n{{ nobody }}"}).text
    assert 'data-line="3" data-severity="error"' in part and "<html" not in part
    assert "1 thing to fix first" in part
    assert sqlite_home.everything() == before


def test_only_the_editor_page_allows_inline_styles(paul: FlaskClient) -> None:
    page = paul.get(GUIDE_EMAIL)
    found = re.search(r'nonce="([\w-]+)"', page.text)
    assert found
    assert f"style-src 'self' 'nonce-{found[1]}';" in page.headers["Content-Security-Policy"]
    assert found[1] not in paul.get(GUIDE_EMAIL).text
    for other in ("/studio/emails/", f"{GUIDE_EMAIL}/history", "/studio/"):
        assert "style-src 'self';" in paul.get(other).headers["Content-Security-Policy"]


def test_an_old_revision_can_be_published_again(paul: FlaskClient) -> None:
    paul.post(GUIDE_EMAIL, data=fields(paul, subject="Other", action="publish"))
    page = paul.get(f"{GUIDE_EMAIL}/history").text
    assert "Revision 2" in page and "+ subject = &#34;Other&#34;" in page
    said = {"csrf_token": token_on(paul, f"{GUIDE_EMAIL}/history")}
    assert paul.post(f"{GUIDE_EMAIL}/history/1", data=said).status_code == 303
    assert "Revision 3" in paul.get(f"{GUIDE_EMAIL}/history").text
    assert "Your 21-page guide" in paul.get(GUIDE_EMAIL).text


def test_an_unknown_email_is_not_found(paul: FlaskClient) -> None:
    assert paul.get("/studio/emails/pain-guide/nothing").status_code == 404
    assert paul.get("/studio/emails/pain-guide/nothing/history").status_code == 404


def test_a_test_email_also_goes_to_one_colleague(
    paul: FlaskClient, smtp_sink: ScriptedSink
) -> None:
    said = fields(paul, action="test", colleague=" Anna@Example.com ")
    assert paul.post(GUIDE_EMAIL, data=said).status_code == 303
    assert [mail.message["To"] for mail in smtp_sink.mails] == [PAUL, "Anna@example.com"]
    assert len({mail.message["Message-ID"] for mail in smtp_sink.mails}) == 2
    assert "and to your colleague" in paul.get(GUIDE_EMAIL).text


@pytest.mark.parametrize("several", ["a@example.org, b@example.org", "a@example.org\nb@c.org", "a"])
def test_a_test_goes_to_no_more_than_one_further_address(
    paul: FlaskClient, smtp_sink: ScriptedSink, several: str
) -> None:
    answer = paul.post(GUIDE_EMAIL, data=fields(paul, action="test", colleague=several))
    assert answer.status_code == 409
    assert "address cannot be used" in answer.text and smtp_sink.mails == []


def test_a_test_does_not_go_to_someone_who_wants_no_more_emails(
    paul: FlaskClient, sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    sqlite_home.subscribe("ann@example.org")
    person = sqlite_home.person("ann@example.org")["id"]
    send(paul, f"/studio/people/{person}/stop")
    said = fields(paul, action="test", colleague="ANN@example.org", subject="Changed")
    answer = paul.post(GUIDE_EMAIL, data=said)
    assert answer.status_code == 409 and smtp_sink.mails == []
    assert "not to be written to" in answer.text
    version = re.search(r'name="version" value="(\d+)"', answer.text)
    assert version and version[1] == "1", "what was written is saved, and can be saved again"
