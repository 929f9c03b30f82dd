"""Forms of services in the cloud: each is read as it was meant, by the builder that knows it."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.builders import read_form, registry
from nurture.builders.fields.signup_body import read_signup, read_utm
from nurture.domain.subscribers.consent import Purpose
from tests.builders.service_calls import SERVICES, fields_of, names

ANN, AT = "ann@example.org", "2026-11-30T08:07:31+00:00"
PAGE = "https://practice.example.org/resources"
ARTICLES, TRACKING = Purpose.ARTICLES, Purpose.TRACKING

#: What reads each form, and what is read: first name, purposes, and the time.
READ: dict[str, tuple[str, str, tuple[Purpose, ...], str | None]] = {
    "anything/nested": ("anything", "Ann", (), None),
    "framer/form": ("plain_form", "Ann", (TRACKING,), None),
    "google_forms/answers": ("google_forms", "Ann", (ARTICLES,), AT),
    "google_forms/named-values": ("google_forms", "Ann", (ARTICLES,), None),
    "jotform/submission": ("jotform", "Ann", (ARTICLES,), None),
    "mailing_lists/activecampaign": ("mailing_lists", "Ann", (), None),
    "mailing_lists/hubspot": ("mailing_lists", "Ann", (), None),
    "mailing_lists/hubspot-object": ("mailing_lists", "Ann", (), None),
    "mailing_lists/mailchimp-subscribe": ("mailing_lists", "Ann", (), None),
    "mailing_lists/merge-fields": ("mailing_lists", "Ann", (), None),
    "make/bundle": ("standard_data", "Ann", (), None),
    "n8n/webhook-item": ("n8n", "Ann", (), None),
    "squarespace/form-block": ("squarespace", "Ann", (), None),
    "squarespace/zapier": ("plain_form", "Ann", (), None),
    "standard_data/form-submitted": ("standard_data", "Ann", (TRACKING,), None),
    "standard_data/submission": ("standard_data", "Ann", (), None),
    "tally/response": ("tally", "Ann", (ARTICLES,), AT),
    "typeform/contact-info": ("typeform", "Ann", (), AT),
    "typeform/response": ("typeform", "Ann", (ARTICLES, TRACKING), AT),
    "webflow/email-only": ("webflow", "", (), "2026-11-30T08:07:31.117000+00:00"),
    "webflow/form-submission": (
        *("webflow", "Ann", (TRACKING,), "2026-11-30T08:07:31.117000+00:00"),
    ),
    "webflow/version-1": ("webflow", "Ann", (), "2026-11-30T08:07:31.117000+00:00"),
    "wix/automation": ("wix", "Ann", (ARTICLES,), "2026-11-30T08:07:31.750000+00:00"),
    "wix/chosen-fields": ("wix", "Ann", (TRACKING,), None),
    "zapier/own-fields": ("plain_form", "Ann", (), None),
    "zapier/underscores": ("zapier", "Ann", (TRACKING,), None),
}

#: Any JSON object, with names that services use among others.
_NAMES = st.sampled_from(
    ["form_response", "answers", "field", "definition", "fields", "data", "payload", "hidden"]
    + ["triggerType", "eventType", "rawRequest", "formID", "field:email_ab12", "submissions"]
    + ["namedValues", "source", "properties", "contact", "merges", "a__email", "label", "value"]
    + ["schema", "options", "type", "body", "headers", "params", "email", "submittedAt", "name"]
)
_TEXTS = st.sampled_from(
    ["form_submission", "FORM_RESPONSE", "form_response", "google_forms", ANN, "{", '{"q1_a": 1}']
)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | _TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_NAMES | st.text(max_size=3), inner)
    ),
    max_leaves=20,
)


def test_every_captured_form_has_its_expectation() -> None:
    assert sorted(READ) == sorted(names())
    assert set(SERVICES) <= registry().keys()


@pytest.mark.parametrize("name", sorted(READ))
def test_a_captured_form_is_read_as_it_was_meant(name: str) -> None:
    reader, first_name, purposes, signed_up_at = READ[name]
    read = read_form(fields_of(name))
    assert read is not None
    body = read_signup(read.fields)
    assert (read.reader, body.email, body.plain_first_name) == (reader, ANN, first_name)
    assert (body.consent.purposes, body.consent.not_understood) == (purposes, ())
    assert (body.signed_up_at and body.signed_up_at.isoformat()) == signed_up_at


@pytest.mark.parametrize("name", sorted(READ))
def test_a_captured_form_is_recognised_by_one_builder_alone(name: str) -> None:
    fields = fields_of(name)
    claims = [one.name for one in registry().values() if one.read(fields) is not None]
    assert claims == [READ[name][0]]


@pytest.mark.parametrize(
    ("name", "utm"),
    [
        ("typeform/response", {"utm_source": "newsletter", "utm_medium": "email"}),
        ("webflow/form-submission", {"utm_source": "newsletter", "utm_medium": "social"}),
        ("tally/response", {"utm_source": "newsletter"}),
        ("jotform/submission", {"utm_source": "newsletter"}),
        ("make/bundle", {"utm_source": "newsletter"}),
    ],
)
def test_the_utm_parameters_are_found_wherever_a_service_puts_them(
    name: str, utm: dict[str, str]
) -> None:
    read = read_form(fields_of(name))
    assert read is not None
    assert read_utm(read.fields) == utm


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("webflow/form-submission", "page_url", f"{PAGE}?utm_medium=social"),
        ("standard_data/form-submitted", "page_url", PAGE),
        ("standard_data/submission", "client_ip", "192.0.2.9"),
        ("standard_data/submission", "user_agent", "Mozilla/5.0"),
        ("jotform/submission", "client_ip", "192.0.2.9"),
        ("mailing_lists/mailchimp-subscribe", "client_ip", "192.0.2.9"),
        ("anything/nested", "page_url", PAGE),
    ],
)
def test_what_a_service_tells_of_the_visit_is_kept(name: str, field: str, value: str) -> None:
    read = read_form(fields_of(name))
    assert read is not None
    assert read.fields[field] == value


def test_the_address_of_an_automations_own_machine_is_not_taken_for_the_visitors() -> None:
    read = read_form(fields_of("n8n/webhook-item"))
    assert read is not None
    assert "client_ip" not in read.fields


@pytest.mark.parametrize("inner", ["typeform/response", "tally/response", "jotform/submission"])
@pytest.mark.parametrize("around", ["data", "payload", "body"])
def test_a_services_form_is_read_inside_an_envelope_too(inner: str, around: str) -> None:
    alone, forwarded = read_form(fields_of(inner)), read_form({around: fields_of(inner)})
    assert alone is not None
    assert forwarded is not None
    assert forwarded.fields.items() >= alone.fields.items()


@pytest.mark.parametrize(
    "call",
    [
        {"type": "unsubscribe", "data": {"email": ANN, "merges": {"EMAIL": ANN}}},
        {"type": "unsubscribe", "initiated_from": "public", "contact": {"email": ANN}},
        {"type": "unsubscribe", "contact": {"email": ANN}},
        {"type": "subscriber.deleted", "data": {"email": ANN}},
        {"data": {"type": "bounce", "payload": {"email": ANN}}},
        {"event": "list.unsubscribed", "lead": {"person": {"mail": ANN}}},
        {"archived": True, "properties": {"email": ANN}},
        {"email_address": ANN, "status": "unsubscribed", "merge_fields": {"FNAME": "Ann"}},
        {"triggerType": "ecomm_new_order", "payload": {"customerInfo": {"email": ANN}}},
        {"event_type": "form_response_partial", "form_response": {"answers": [{"email": ANN}]}},
        {"contact__email": ANN, "type": "unsubscribe"},
        {"events": [{"type": "subscriber.unsubscribed", "data": {"subscriber": {"email": ANN}}}]},
        {"subscriber": {"first_name": "Ann", "email_address": ANN, "state": "cancelled"}},
        {"properties": {"email": {"value": ANN}, "hs_email_optout": {"value": "true"}}},
        {"id": "1", "properties": {"email": ANN, "hs_email_optout": True}},
        {"email": ANN, "spam": True},
    ],
)
def test_someone_who_left_a_list_elsewhere_is_not_signed_up(call: dict[str, Any]) -> None:
    assert read_form(call) is None


@given(st.dictionaries(_NAMES | st.text(max_size=3), _JSON))
def test_no_builder_raises_whatever_is_sent(fields: dict[str, Any]) -> None:
    reads = [read for one in registry().values() if (read := one.read(fields)) is not None]
    assert all(isinstance(read["email"], str) for read in reads)
    read_form(fields)


@pytest.mark.parametrize("name", sorted(registry()))
def test_the_steps_of_each_builder_name_what_is_to_be_entered(name: str) -> None:
    builder = registry()[name]
    steps = "\n".join(builder.setup)
    assert set(re.findall(r"{[a-z_]+}", steps)) <= {"{address}", "{secret}"}
    assert "{address}" in steps
    assert "{secret}" in steps or builder.proof is None or builder.proof.issues_secret
