"""Form builders and what their forms send: a module for each builder.

Each module here defines one `BUILDER`. To add a builder, add a file: the registry finds it, and
`docs/adding-a-form-builder.md` says what it must contain. Every builder's own words are translated
into the field names of the signup webhook, and nothing else knows them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any, NamedTuple

from nurture.builders.fields.recognition import is_other_event
from nurture.domain.door.field_mapping import FieldMapping, apply_mapping
from nurture.domain.subscribers.consent import Purpose
from nurture.domain.subscribers.tick_boxes import read_ticks
from nurture.signatures import find_header

#: The fields of a form, nested as they were sent.
FormFields = Mapping[str, Any]

#: The usual status of an accepted form (RFC 9110 §15.3.3): what follows, follows later.
ACCEPTED = 202

#: Takes the secret, the headers, the raw body and now; raises `SignatureError`.
VerifyForm = Callable[[str, Mapping[str, str], bytes, datetime], None]


@dataclass(frozen=True, slots=True)
class FormProof:
    """How a builder signs its calls.

    A call with this `header` claims to be signed. `issues_secret` says that the builder makes the
    secret, so that the owner copies it to us; otherwise ours is entered there. `secret_help` is a
    sentence that tells the owner where.
    """

    header: str
    verify: VerifyForm
    secret_help: str
    issues_secret: bool = False


@dataclass(frozen=True, slots=True)
class FormBuilder:
    """How one builder's forms are recognised, read, proved and set up.

    `read(fields)` returns the fields under the names of the signup webhook (`email`, `first_name`,
    `name`, `consent`, `page_url`, `client_ip`, `utm_…` …), or `None` if this builder has not sent
    them. It never raises, whatever was sent. `setup` are the owner's steps in plain sentences, in
    which `{address}` is the address to enter, with its key, and `{secret}` the signing secret. The
    builder with the lowest `rank` that recognises a form reads it. One that `reads_native` is also
    asked about forms that have an `email` of that name, for whatever else they call differently.
    `accepted` is the status that it takes for success.
    """

    name: str
    label: str
    read: Callable[[FormFields], dict[str, Any] | None]
    setup: tuple[str, ...]
    proof: FormProof | None = None
    rank: int = 50
    reads_native: bool = False
    accepted: int = ACCEPTED


class ReadForm(NamedTuple):
    """A form's fields under the webhook's own names, and the name of what could read them."""

    fields: dict[str, Any]
    reader: str


#: What reads a form that uses the webhook's own names, and one that the owner has mapped.
NATIVE, MAPPED = "native", "mapped"


@cache
def registry() -> Mapping[str, FormBuilder]:
    """Return every builder by name, in the order in which they are asked."""
    names = (found.name for found in iter_modules(__path__) if not found.ispkg)
    builders: list[FormBuilder] = [import_module(f"{__name__}.{name}").BUILDER for name in names]
    ordered = sorted(builders, key=lambda builder: (builder.rank, builder.name))
    return MappingProxyType({builder.name: builder for builder in ordered})


def is_native(fields: FormFields) -> bool:
    """Return whether a form names its address as the webhook does."""
    return isinstance(fields.get("email"), str)


def read_form(fields: FormFields, mappings: Iterable[FieldMapping] = ()) -> ReadForm | None:
    """Return a form's fields under the webhook's own names, or `None` if nothing can read them.

    What the owner has mapped has priority over what the builders recognise.
    """
    for mapping in mappings:
        if mapped := apply_mapping(fields, mapping):
            return ReadForm(mapped, MAPPED)
    if is_other_event(fields):
        return None
    return _read_native(fields) if is_native(fields) else _read_strange(fields)


def answer_for(reader: str, headers: Mapping[str, str]) -> int:
    """Return the status that accepts a form, given what read it and the headers of the call."""
    for builder in registry().values():
        claims = builder.proof and find_header(headers, builder.proof.header)
        if builder.name == reader or claims:
            return builder.accepted
    return ACCEPTED


def _read_native(fields: FormFields) -> ReadForm:
    """Return the fields as they are, with what a builder that recognises them knows better."""
    for builder in registry().values():
        if builder.reads_native and (read := builder.read(fields)) is not None:
            return ReadForm({**fields, **read}, builder.name)
    boxes = {} if "consent" in fields else _boxes_by_name(fields)
    return ReadForm({**fields, **boxes}, NATIVE)


def _boxes_by_name(fields: FormFields) -> dict[str, Any]:
    """Return the ticked boxes that are fields of their own, each named after its purpose.

    Many builders can only send a box as a field with a key and a value.
    """
    named = {str(purpose): fields.get(purpose) for purpose in Purpose if purpose in fields}
    ticked = [name for name, value in named.items() if read_ticks({name: value}).purposes]
    return {"consent": ticked} if ticked else {}


def _read_strange(fields: FormFields) -> ReadForm | None:
    for builder in registry().values():
        if (read := builder.read(fields)) is not None:
            return ReadForm(read, builder.name)
    return None
