"""Services that keep a list of people: someone has joined it through a form there.

https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/
https://developers.activecampaign.com/page/webhooks
https://knowledge.hubspot.com/workflows/how-do-i-use-webhooks-with-hubspot-workflows
"""

from collections.abc import Iterator, Mapping
from typing import Any

from nurture.builders import FormBuilder, FormFields
from nurture.builders.fields.labels import Labelled, labelled, read_labelled
from nurture.builders.fields.recognition import is_other_event, object_in


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return someone who has joined a list, and nobody who has left one or whose data changed."""
    person = next(filter(None, (find(fields) for find in _SHAPES)), None)
    if person is None or is_other_event(fields):
        return None
    return read_labelled(person)


def _mailchimp(fields: FormFields) -> list[Labelled]:
    person = object_in(fields, "data")
    merged = object_in(person, "merges")
    visit = Labelled(("ip",), person.get("ip_signup"))
    return [*_texts(merged), *_texts({"email": person.get("email")}), visit] if merged else []


def _merge_fields(fields: FormFields) -> list[Labelled]:
    merged = object_in(fields, "merge_fields")
    address = fields.get("email_address")
    return [*_texts(merged), Labelled(("email",), address)] if merged and address else []


def _active_campaign(fields: FormFields) -> list[Labelled]:
    return [*_texts(object_in(fields, "contact"))] if "initiated_from" in fields else []


def _hubspot(fields: FormFields) -> list[Labelled]:
    properties = object_in(fields, "properties")
    return labelled(properties) if "email" in properties else []


def _texts(person: Mapping[str, Any]) -> Iterator[Labelled]:
    yield from (Labelled((str(k),), v) for k, v in person.items() if isinstance(v, str))


_SHAPES = (_mailchimp, _merge_fields, _active_campaign, _hubspot)

BUILDER = FormBuilder(
    name="mailing_lists",
    label="ActiveCampaign, HubSpot or Mailchimp",
    read=read,
    setup=(
        "In ActiveCampaign, open Settings, then Developer, then Manage webhooks. Add one for "
        "“Contact subscribes”, initiated by a public user, with {address} as its URL.",
        "In HubSpot, make a workflow that begins with your form and add the action “Send a "
        "webhook”, method POST, with {address} as the webhook URL.",
        "In Mailchimp, use Zapier, with the trigger “New Subscriber” and the action “Webhooks by "
        "Zapier”, which sends the address and the name to {address} by POST.",
    ),
)
