"""The body that a website sends with a signup, and how much of it is trusted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from nurture.builders.fields import values
from nurture.builders.fields.values import plain_text, without_controls
from nurture.domain.errors import NurtureError
from nurture.domain.subscribers.consent import Purpose
from nurture.domain.subscribers.first_names import first_name_in, plain_first_name
from nurture.domain.subscribers.tick_boxes import Ticks, read_ticks

#: The longest an address may be (RFC 5321 §4.5.3.1.3, without the angle brackets).
LONGEST_ADDRESS = 254

_UTM = "utm_"
_MOST_UTM = 20


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one field of a signup."""

    field: str
    detail: str


class InvalidSignupError(NurtureError):
    """A signup without a usable address or time; `faults` name each invalid field."""

    def __init__(self, faults: Sequence[FieldFault]) -> None:
        super().__init__(" ".join(f"{fault.field}: {fault.detail}" for fault in faults))
        self.faults = tuple(faults)


def _address(text: str) -> str:
    try:
        read = validate_email(text, check_deliverability=False, strict=True, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise ValueError(f"this is not a deliverable email address: {error}") from None
    return read.ascii_email or read.normalized


def _cut(read: Callable[[object], str], longest: int) -> BeforeValidator:
    """Convert any value to text and cut it, so that an optional field is never invalid."""
    return BeforeValidator(lambda value: read(value)[:longest])


def _moment(value: object) -> datetime | None:
    """Return the time; anything invalid is an error, since “now” would send a second guide."""
    text = values.plain_text(value)
    if value is None or (isinstance(value, str) and not text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(
        "this is not an ISO 8601 time with a UTC offset. Send it like 2026-11-30T09:15:00Z"
    )


#: The time as the document describes it.
_TIME = {
    "type": ["string", "null"],
    "format": "date-time",
    "default": None,
    "examples": ["2026-11-30T09:15:00Z"],
}

#: The boxes as the document describes them: a list is best, the other forms are accepted.
_BOXES = {
    "anyOf": [
        {"type": "array", "items": {"enum": [purpose.value for purpose in Purpose]}},
        {"type": "object", "additionalProperties": {"type": ["boolean", "string", "null"]}},
        {"type": ["string", "null"]},
    ],
    "default": [],
    "examples": [["tracking"], {"tracking": True, "health_topics": False}],
}


class SignupBody(BaseModel):
    """A signup as the website sends it. Fields that are not listed here are ignored.

    Only the email address and the time can be invalid; anything else unreadable counts as not
    given.
    """

    model_config = ConfigDict(extra="ignore")

    email: Annotated[str, AfterValidator(_address), BeforeValidator(without_controls)] = Field(
        max_length=LONGEST_ADDRESS, examples=["alice@example.org"]
    )
    first_name: Annotated[str, _cut(values.first_name, 200)] = Field(default="", examples=["Alice"])
    name: Annotated[str, _cut(values.full_name, 200)] = Field(
        default="", description="A full name; the first name in it is used."
    )
    consent: Annotated[Ticks, BeforeValidator(read_ticks), WithJsonSchema(_BOXES)] = Field(
        default_factory=Ticks, description="The boxes ticked on the form."
    )
    page_url: Annotated[str, _cut(values.web_address, 2000)] = Field(
        default="", description="The page that the form is on."
    )
    time_zone: Annotated[str, _cut(values.time_zone, 64)] = Field(
        default="", examples=["Europe/London"]
    )
    client_ip: Annotated[str, _cut(values.client_address, 64)] = Field(
        default="", description="The visitor's IP address."
    )
    user_agent: Annotated[str, _cut(plain_text, 1000)] = Field(
        default="", description="The visitor's browser."
    )

    signed_up_at: Annotated[datetime | None, BeforeValidator(_moment), WithJsonSchema(_TIME)] = (
        Field(
            default=None,
            description=(
                "When the visitor actually signed up, if you report it late: ISO 8601 with a UTC "
                "offset, at most 400 days ago. Someone who signed up before a backup was restored "
                "is brought back, and emails that they may already have had are held."
            ),
        )
    )

    @property
    def plain_first_name(self) -> str:
        """A first name that is fit for use in an email, or ""."""
        return plain_first_name(self.first_name) or first_name_in(self.name)


def read_signup(fields: Mapping[str, Any]) -> SignupBody:
    """Read the fields of a signup, or raise `InvalidSignupError`, which names each invalid one."""
    try:
        return SignupBody.model_validate(dict(fields))
    except ValidationError as error:
        faults = [FieldFault(str(e["loc"][0]), _sentence(e)) for e in error.errors()]
        raise InvalidSignupError(faults) from None


def read_utm(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the UTM parameters that have a value, whatever follows `utm_` in their names."""
    named = ((name, plain_text(value)) for name, value in fields.items() if name.startswith(_UTM))
    said = [(without_controls(name)[:64], value[:200]) for name, value in named if value]
    return dict(said[:_MOST_UTM])


def _sentence(fault: Mapping[str, Any]) -> str:
    """Say what is wrong, for the person who set up the form."""
    said = _FAULTS.get(fault["type"], str(fault["msg"]).removeprefix("Value error, ")).rstrip(".")
    return f"{said[:1].upper()}{said[1:]}."


_FAULTS = {
    "missing": "this field is missing",
    "string_type": "this must be a single text",
    "string_too_long": f"this is longer than {LONGEST_ADDRESS} characters",
}
