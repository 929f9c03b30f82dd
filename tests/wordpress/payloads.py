"""What the form builders hand over when one of their forms, with the number 7, was sent."""

from typing import Any

TRACKING = (
    "Let the practice see which emails I open and which links I follow, "
    "so that it sends me what I find useful."
)


def _contact_form_7(email: str) -> dict[str, Any]:
    tags = [
        {"type": "text*", "basetype": "text", "name": "your-name"},
        {"type": "email*", "basetype": "email", "name": "your-email"},
        {"type": "acceptance", "basetype": "acceptance", "name": "follow", "content": TRACKING},
        {"type": "submit", "basetype": "submit", "name": ""},
    ]
    posted = {"your-name": "Ann Example", "your-email": email, "follow": "1"}
    return {"form": {"id": 7, "title": "Guide", "tags": tags}, "posted": posted}


def _gravity_forms(email: str) -> dict[str, Any]:
    fields = [
        {"id": 1, "type": "name", "label": "Name"},
        {"id": 2, "type": "email", "label": "Your address"},
        {"id": 3, "type": "consent", "label": "Consent", "checkboxLabel": TRACKING},
    ]
    entry = {"id": "9", "form_id": "7", "status": "active", "1.3": "Ann", "1.6": "Example"}
    ticked = {"3.1": "1", "3.2": TRACKING, "3.3": "4"}
    return {
        "entry": entry | {"2": email} | ticked,
        "form": {"id": 7, "title": "Guide", "fields": fields},
    }


def _elementor(email: str) -> dict[str, Any]:
    def one(name: str, kind: str, title: str, value: str) -> dict[str, Any]:
        return {"id": name, "type": kind, "title": title, "value": value, "raw_value": value}

    return {
        "settings": {"id": "7", "form_name": "Guide"},
        "fields": {
            "name": one("name", "text", "Name", "Ann Example"),
            "email": one("email", "email", "Email", email),
            "field_1": one("field_1", "acceptance", TRACKING, "on"),
        },
    }


def _wpforms(email: str) -> dict[str, Any]:
    name = {"name": "Name", "value": "Ann Example", "id": 0, "type": "name"}
    box = {"name": "Boxes", "value": f"{TRACKING}\nSomething else", "id": 2, "type": "checkbox"}
    return {
        "form_data": {"id": "7", "settings": {"form_title": "Guide"}},
        "fields": {
            "0": name | {"first": "Ann", "middle": "", "last": "Example"},
            "1": {"name": "Email", "value": email, "id": 1, "type": "email"},
            "2": box,
        },
    }


def _fluent_forms(email: str) -> dict[str, Any]:
    import json

    inside = [
        {"element": "input_name", "attributes": {"name": "names"}, "settings": {"label": "Name"}},
        {"element": "input_email", "attributes": {"name": "email"}, "settings": {"label": "Email"}},
    ]
    gdpr = {"element": "gdpr_agreement", "attributes": {"name": "gdpr-agreement"}}
    fields = [
        {"element": "container", "columns": [{"fields": inside[:1]}, {"fields": inside[1:]}]},
        gdpr | {"settings": {"tnc_html": f"<p>{TRACKING}</p>"}},
    ]
    data = {
        "__fluent_form_embded_post_id": "1",
        "_wp_http_referer": "/guide",
        "names": {"first_name": "Ann", "last_name": "Example"},
        "email": email,
        "gdpr-agreement": "on",
    }
    form = {"id": "7", "title": "Guide", "form_fields": json.dumps({"fields": fields})}
    return {"data": data, "form": form}


def _ninja_forms(email: str) -> dict[str, Any]:
    def one(key: str, kind: str, label: str, value: object) -> dict[str, Any]:
        return {"id": key, "key": key, "type": kind, "label": label, "value": value}

    return {
        "form_id": "7",
        "settings": {"title": "Guide"},
        "fields": {
            "1": one("name_1", "textbox", "Name", "Ann Example"),
            "2": one("email_2", "email", "Email", email),
            "3": one("checkbox_3", "checkbox", TRACKING, 1),
            "4": one("submit_4", "submit", "Submit", ""),
        },
    }


PAYLOADS = {
    "contact-form-7": _contact_form_7,
    "gravity-forms": _gravity_forms,
    "elementor": _elementor,
    "wpforms": _wpforms,
    "fluent-forms": _fluent_forms,
    "ninja-forms": _ninja_forms,
}


def payload(builder: str, email: str) -> dict[str, Any]:
    """Return what a builder hands over for a person who calls herself Ann and ticked a box."""
    return PAYLOADS[builder](email)
