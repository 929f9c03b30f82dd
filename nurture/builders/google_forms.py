"""Google Forms: a script of the form sends each response, signed as in Standard Webhooks.

https://developers.google.com/apps-script/reference/forms/form-response
"""

from collections.abc import Iterator
from typing import Any

from nurture.builders import FormBuilder, FormFields
from nurture.builders.fields.labels import Labelled, read_labelled
from nurture.builders.fields.recognition import object_in, objects_in, time_in

#: The script. What is in braces without blanks is filled in, and nothing else.
_SCRIPT = """\
function sendResponse(e) {
  const answers = e.response.getItemResponses().map(
    one => ({ title: one.getItem().getTitle(), answer: one.getResponse() }));
  const body = JSON.stringify({ source: "google_forms", answers: answers,
    submitted_at: e.response.getTimestamp(), email_address: e.response.getRespondentEmail() });
  const id = e.response.getId(), time = String(Math.floor(Date.now() / 1000));
  const signature = Utilities.computeHmacSha256Signature(
    Utilities.newBlob(id + "." + time + "." + body).getBytes(),
    Utilities.base64Decode("{secret}".replace("whsec_", "")));
  UrlFetchApp.fetch("{address}", { method: "post", contentType: "application/json",
    payload: body, headers: { "webhook-id": id, "webhook-timestamp": time,
    "webhook-signature": "v1," + Utilities.base64Encode(signature) } });
}"""


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the answers of a response, from our script or from one that sends `namedValues`."""
    if fields.get("source") == "google_forms":
        address = Labelled(("email",), fields.get("email_address") or None)
        signup = read_labelled([*_answers(fields), address])
        return signup and signup | time_in(fields, "submitted_at")
    named = object_in(fields, "namedValues")
    return read_labelled(list(_named(named))) if named else None


def _answers(fields: FormFields) -> Iterator[Labelled]:
    for answer in objects_in(fields, "answers"):
        yield from _answer(str(answer.get("title")), answer.get("answer"))


def _named(named: FormFields) -> Iterator[Labelled]:
    for title, answers in named.items():
        yield from _answer(str(title), answers)


def _answer(title: str, given: Any) -> Iterator[Labelled]:
    """Yield an answer; several chosen ones come as a list."""
    yield Labelled((title, "checkbox") if isinstance(given, list) else (title,), given)


BUILDER = FormBuilder(
    name="google_forms",
    label="Google Forms",
    read=read,
    setup=(
        "In Google Forms, open the form and choose Apps Script from the menu with the three dots.",
        f"Put this in place of the script that is there:\n{_SCRIPT}\nThen save it.",
        "Choose Triggers, then “Add Trigger”: the function sendResponse, from the form, on form "
        "submit. Google asks you to allow it.",
        "Fill in the form once, and look under Executions to see that it was sent.",
    ),
)
