"""Jotform: the answers as JSON in the field `rawRequest`, by the unique names of their questions.

https://www.jotform.com/help/245-how-to-setup-a-webhook-with-jotform/
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from nurture.builders import FormBuilder, FormFields
from nurture.builders.fields.labels import Labelled, read_labelled

#: The unique name of a question: `q4_email`, or `q7_email7` if the form has several.
_QUESTION = re.compile(r"q\d+_(.*?)\d*")


def read(fields: FormFields) -> dict[str, Any] | None:
    """Return the answers of a form that Jotform has sent."""
    if "formID" not in fields or not isinstance(raw := fields.get("rawRequest"), str):
        return None
    return read_labelled([*_answers(raw), Labelled(("ip",), fields.get("ip"))])


def _answers(raw: str) -> Iterator[Labelled]:
    try:
        answers = json.loads(raw)
    except (ValueError, RecursionError):
        return
    for name, value in answers.items() if isinstance(answers, dict) else ():
        if question := _QUESTION.fullmatch(name):
            yield from _answer(question[1], value)


def _answer(name: str, value: Any) -> Iterator[Labelled]:
    """Yield an answer; a name comes in parts, and several boxes as a list."""
    if isinstance(value, dict):
        yield from (Labelled((str(part),), inner) for part, inner in value.items())
    else:
        yield Labelled((name, "checkbox") if isinstance(value, list) else (name,), value)


BUILDER = FormBuilder(
    name="jotform",
    label="Jotform",
    read=read,
    setup=(
        "In Jotform, open the form, then Settings, then Integrations.",
        "Search for WebHooks and choose it.",
        "Enter {address} and choose “Complete Integration”.",
        "Name the question for the address “email”, and the one for the name “name”: Jotform "
        "shows a question’s unique name in its properties, under Advanced.",
        "Fill in the form once to see that it arrives.",
    ),
)
