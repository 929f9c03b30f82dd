"""What the website sends with a signup, and what of it can be believed."""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from nurture.domain.address import first_word, plain_first_name
from nurture.domain.consent import Purpose
from webhooks.callers import plain_address
from webhooks.problems import FieldProblem, ProblemError

_UTM = "utm_"
_MOST_UTM = 20


def _without_controls(value: Any) -> Any:
    """Control characters are never meant, and no database or mail takes them all."""
    if not isinstance(value, str):
        return value
    return "".join(c for c in value if c.isprintable()).strip()


def _address(text: str) -> str:
    try:
        read = validate_email(text, check_deliverability=False, strict=True, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise ValueError(f"this is not an email address that mail can reach: {error}") from None
    return read.ascii_email or read.normalized


def _purposes(value: Any) -> Any:
    """A list, or one text with commas or spaces between, as form builders send it."""
    if isinstance(value, str):
        return value.replace(",", " ").split()
    return value


def _web_address(text: str) -> str:
    """A page's address, or nothing: nobody should lose their guide over a decoration."""
    try:
        return text if urlsplit(text).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _time_zone(text: str) -> str:
    """A known time zone, or nothing: browsers say odd things, and the practice has one."""
    return text if text in _known_time_zones() else ""


@cache
def _known_time_zones() -> set[str]:
    return available_timezones()


_Line = Annotated[str, BeforeValidator(_without_controls)]
_Name = Annotated[_Line, Field(max_length=200)]


class SignupBody(BaseModel):
    """A signup as the website sends it. What is not listed here is ignored."""

    model_config = ConfigDict(extra="ignore")

    email: Annotated[_Line, AfterValidator(_address)] = Field(
        max_length=254, examples=["alice@example.org"]
    )
    first_name: _Name | None = Field(default=None, examples=["Alice"])
    name: _Name | None = Field(default=None, description="A full name; its first word is used.")
    consent: Annotated[list[Purpose], BeforeValidator(_purposes)] = Field(
        default=[], max_length=10, description="The boxes ticked beside the form."
    )
    page_url: Annotated[_Line, AfterValidator(_web_address)] = Field(
        default="", max_length=2000, description="The page that the form stands on."
    )
    time_zone: Annotated[_Line, AfterValidator(_time_zone)] = Field(
        default="", max_length=64, examples=["Europe/London"]
    )
    client_ip: Annotated[_Line, AfterValidator(plain_address)] = Field(
        default="", max_length=64, description="The visitor's address on the net."
    )
    user_agent: _Line = Field(default="", description="The visitor's browser.")

    @property
    def plain_first_name(self) -> str:
        """A first name that may be printed in a mail, or an empty string."""
        return plain_first_name(self.first_name) or plain_first_name(first_word(self.name))


def read_signup(fields: Mapping[str, Any]) -> SignupBody:
    """Read the fields of a signup; raises a problem that names each field at fault."""
    try:
        return SignupBody.model_validate(dict(fields))
    except ValidationError as error:
        found = [FieldProblem(str(e["loc"][0]), _sentence(e)) for e in error.errors()]
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            " ".join(f"{p.field}: {p.detail}" for p in found),
            fields=found,
        ) from None


def read_utm(fields: Mapping[str, Any]) -> dict[str, str]:
    """The campaign parameters, whatever their names after `utm_`."""
    named = [(name, value) for name, value in fields.items() if name.startswith(_UTM)]
    return {
        _without_controls(name)[:64]: _without_controls(str(value))[:200]
        for name, value in named[:_MOST_UTM]
    }


def _sentence(fault: Mapping[str, Any]) -> str:
    """What is wrong, in words for whoever set the form up."""
    said = _FAULTS.get(fault["type"], str(fault["msg"]).removeprefix("Value error, "))
    said = said.format(**fault.get("ctx", {})).rstrip(".")
    return f"{said[:1].upper()}{said[1:]}."


_FAULTS = {
    "missing": "this field is missing",
    "string_type": "this must be one text",
    "string_too_long": "this has more than {max_length} characters",
    "too_long": "this has more than {max_length} entries",
    "list_type": "this must be a list",
    "enum": "this is none of {expected}",
}
