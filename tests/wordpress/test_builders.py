"""What form builders hand over is read by the kinds of its fields, once the owner has mapped it."""

import json
from urllib.parse import quote

import pytest

from nurture.store.tables.signups import signups
from tests.wordpress.payloads import PAYLOADS, payload
from tests.wordpress.practice import Practice

pytestmark = pytest.mark.wordpress


@pytest.mark.parametrize("builder", PAYLOADS)
def test_a_builders_form_is_mapped_on_the_settings_page_and_then_sent(
    practice: Practice, builder: str
) -> None:
    site = practice.site
    assert site.fire(builder, payload(builder, "owner@example.org")).status == 200
    assert site.outbox() == []
    page = practice.signed_in()
    assert f"Guide ({builder})" in page
    assert "owner@example.org" not in page
    site.press("map", nurture_seen=f"{builder}:7", nurture_send_to="pain-guide")
    visit = {"nurture_visit": json.dumps({"tz": "Europe/Paris"})}
    with practice.answering():
        page = site.fire(builder, payload(builder, "ann@example.org"), **visit).text
    assert page == "the builder goes on"
    person = practice.home.person("ann@example.org")
    assert (person["first_name"], person["time_zone"]) == ("Ann", "Europe/Paris")
    [signup] = practice.home.rows(signups)
    assert signup["utm"] == {"utm_source": "letter"}
    [row] = site.outbox()
    assert row["payload"]["consent"] == ["tracking"]


def test_a_form_for_something_else_is_never_sent(practice: Practice) -> None:
    practice.site.fire("elementor", payload("elementor", "ann@example.org"))
    assert practice.site.outbox() == []


def test_spam_and_what_another_plugin_refuses_are_not_sent(practice: Practice) -> None:
    for builder in ("gravity-forms", "contact-form-7"):
        practice.map(f"{builder}:7")
    spam = payload("gravity-forms", "ann@example.org")
    spam["entry"]["status"] = "spam"
    practice.site.fire("gravity-forms", spam)
    practice.site.fire(
        "contact-form-7", payload("contact-form-7", "b@example.org") | {"abort": True}
    )
    assert practice.site.outbox() == []


def test_the_owner_can_say_which_field_is_which_and_what_a_box_means(practice: Practice) -> None:
    site, sent = practice.site, payload("elementor", "ann@example.org")
    second = {"id": "other", "type": "text", "title": "Nickname", "value": "Annie"}
    sent["fields"]["other"] = second | {"raw_value": "Annie"}
    sent["fields"]["field_1"]["title"] = "Keep me posted!"
    site.fire("elementor", sent)
    practice.signed_in()
    chosen = {"nurture_field_first_name": "other", "nurture_box_2": "news"}
    site.press("map", nurture_seen="elementor:7", nurture_send_to="pain-guide", **chosen)
    site.fire("elementor", sent)
    [row] = site.outbox()
    assert row["payload"]["first_name"] == "Annie"
    assert row["payload"]["consent"] == ["news"]


def test_a_box_that_does_not_say_what_it_is_for_is_no_consent(practice: Practice) -> None:
    practice.map("elementor:7")
    sent = payload("elementor", "ann@example.org")
    sent["fields"]["field_1"]["title"] = "I agree"
    practice.site.fire("elementor", sent)
    assert "consent" not in practice.site.outbox()[0]["payload"]


def test_an_odd_payload_never_breaks_the_builders_own_processing(practice: Practice) -> None:
    odd = {"fields": {"1": "text", "2": None, "3": {"type": ["email"], "value": {"a": [[1]]}}}}
    for data in (odd, {"fields": "x"}, {"fields": {"1": {"type": "email", "value": ["a@b.c"]}}}):
        assert practice.site.fire("ninja-forms", data).text == "the builder goes on"
    log = practice.site.take_log()
    assert "nurture-signups: TypeError in builders.php" in log and "@" not in log


def test_a_lost_table_loses_no_signup(practice: Practice) -> None:
    practice.site.sql("DROP TABLE wp_nurture_outbox")
    with practice.answering():
        assert "nurture=thanks" in practice.site.sign_up("ann@example.org").location
    assert practice.home.person("ann@example.org")
    assert practice.site.outbox()[0]["sent_at"]


def test_the_cookie_speaks_where_a_builder_drops_hidden_fields(practice: Practice) -> None:
    practice.site.fire("ninja-forms", payload("ninja-forms", "paul@example.org"))
    practice.map("ninja-forms:7")
    visit = quote(json.dumps({"tz": "Europe/Rome", "first": {"utm_source": "radio"}}))
    told = {"builder": "ninja-forms", "data": payload("ninja-forms", "ann@example.org")}
    practice.site.post({"fire": json.dumps(told)}, Cookie=f"nurture_visit={visit}")
    said = practice.site.outbox()[0]["payload"]
    assert (said["time_zone"], said["utm_first_source"]) == ("Europe/Rome", "radio")
