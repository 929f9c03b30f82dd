"""The plugin's own form: what visitors see is what the consent records prove."""

import html
import json

import pytest

from nurture.domain.subscribers.consent import OWN_WORDINGS, Purpose
from nurture.services.door.plugin import plugin_forms
from tests.presence import at_least_one
from tests.wordpress.practice import Practice

pytestmark = pytest.mark.wordpress

BLOCK = '<!-- wp:nurture/form {"form":"pain-guide"} /-->'


@pytest.mark.parametrize(
    "content", ['[nurture_form form="pain-guide"]', BLOCK], ids=["code", "block"]
)
def test_a_page_shows_the_forms_own_words_and_boxes(practice: Practice, content: str) -> None:
    [form] = [
        one
        for one in plugin_forms(practice.home.context.get_published())
        if one.key == "pain-guide"
    ]
    page = html.unescape(practice.site.get(write(practice, content)).text)
    assert f'<p class="nurture-wording">{form.wording}</p>' in page
    for purpose, wording in at_least_one(form.boxes.items()):
        assert f'value="{purpose}"' in page and f">{wording}</label>" in page
    assert "_wpnonce" not in page
    assert "nurture.js" in page


def test_a_form_that_does_not_exist_shows_visitors_nothing(practice: Practice) -> None:
    assert "nurture-form" not in practice.site.get(write(practice, "[nurture_form form='x']")).text


def test_the_visitor_is_thanked_on_the_page_the_form_is_on(practice: Practice) -> None:
    path = write(practice, '[nurture_form form="pain-guide"]')
    sent = practice.site.sign_up("ann@example.org", path)
    assert sent.status == 303
    assert sent.location == f"{practice.site.url}{path}&nurture=thanks#nurture"
    thanks = practice.site.get(sent.location.removeprefix(practice.site.url).partition("#")[0])
    assert "the guide is on its way" in thanks.text


def test_a_mistyped_address_is_asked_for_again(practice: Practice) -> None:
    path = write(practice, '[nurture_form form="pain-guide"]')
    sent = practice.site.sign_up("ann", path)
    assert "nurture=address" in sent.location
    page = practice.site.get(f"{path}&nurture=address").text
    assert "Please enter your email address" in page
    assert practice.site.outbox() == []


def test_a_robot_is_thanked_and_nothing_is_kept(practice: Practice) -> None:
    sent = practice.site.sign_up("ann@example.org", nurture_leave="https://example.org")
    assert "nurture=thanks" in sent.location
    assert practice.site.outbox() == []


def test_nobody_is_sent_to_another_website(practice: Practice) -> None:
    for where in ({"Referer": "https://evil.example/"}, {}):
        fields = {"nurture_form": "pain-guide", "nurture_email": "ann@example.org"}
        fields |= {"nurture_page": "https://evil.example/"}
        assert practice.site.post(fields, **where).location.startswith(practice.site.url)


def test_only_the_boxes_of_the_form_count(practice: Practice) -> None:
    boxes = ["tracking", "series", "<script>"]
    practice.site.sign_up("ann@example.org", "/?p=1", **{"nurture_consent[]": boxes})
    assert practice.site.outbox()[0]["payload"]["consent"] == [OWN_WORDINGS[Purpose.TRACKING]]


def test_only_a_proxy_that_the_owner_has_named_says_where_visitors_are(practice: Practice) -> None:
    forwarded = {"X_Forwarded_For": "203.0.114.9, 198.51.101.7, 10.0.0.1"}
    fields = {"nurture_form": "pain-guide", "nurture_email": "ann@example.org"}
    practice.site.post(fields, **forwarded)
    practice.site.php("return update_option( 'nurture_settings', array( 'proxy' => true ) );")
    practice.site.post(fields, **forwarded)
    said = [row["payload"]["client_ip"] for row in practice.site.outbox()]
    assert said == ["127.0.0.1", "198.51.101.7"]


def test_the_editor_offers_the_programs_forms(practice: Practice) -> None:
    code = "return wp_scripts()->get_data( 'nurture-signups-editor', 'before' );"
    [told] = [one for one in practice.site.php(code) if one]
    shown = json.loads(told.partition("=")[2].strip().rstrip(";"))
    assert {"over-50-guide", "pain-guide"} == {one["value"] for one in shown}


def write(practice: Practice, content: str) -> str:
    """Publish a page, and return its path."""
    code = (
        "return wp_insert_post( array( 'post_title' => 'Guide', 'post_status' => 'publish', "
        "'post_type' => 'page', 'post_content' => $told['content'] ) );"
    )
    return f"/?page_id={practice.site.php(code, content=content)}"
