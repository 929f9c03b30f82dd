"""What mail providers allow, and which of the numbers that someone chose are in force."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from nurture.domain.account.limits import NO_LIMITS, NUMBERS, Limits

#: A number that someone chose to have no limit.
UNLIMITED = 0


#: Nobody may send more than this, so that a number fits every database.
_MOST = 1_000_000_000


class LimitError(ValueError):
    """Something that is not a limit."""


@dataclass(frozen=True, slots=True)
class Preset:
    """What one kind of account allows; `title` names it and `note` is a sentence for the owner."""

    key: str
    title: str
    limits: Limits
    note: str


PRESETS: Mapping[str, Preset] = {
    one.key: one
    for one in (
        Preset(
            "gmail",
            "Gmail",
            Limits(day=500),
            "Gmail allows 500 emails in 24 hours, and those that you write yourself count too.",
        ),
        Preset(
            "google-workspace",
            "Google Workspace",
            Limits(day=1500),
            "Google allows 2,000 emails in 24 hours. Those that you write yourself count too, so "
            "500 are left for them.",
        ),
        Preset(
            "microsoft-365",
            "Microsoft 365",
            Limits(minute=30, day=10_000, connections=3),
            "Microsoft allows 30 emails a minute, 10,000 in 24 hours and three connections. A "
            "trial may send fewer.",
        ),
        Preset(
            "amazon-ses",
            "Amazon SES",
            NO_LIMITS,
            "Amazon sets the limit for each account: enter the sending quota that its console "
            "shows.",
        ),
        Preset(
            "cpanel",
            "A web host (cPanel and others)",
            Limits(hour=100),
            "Hosts allow between 100 and 500 emails an hour: ask yours for its number.",
        ),
        Preset(
            "relay",
            "A mail service (Postmark, Mailgun, Brevo, SendGrid and others)",
            NO_LIMITS,
            "If your plan has a limit per day, enter it.",
        ),
        Preset("own-server", "A mail server of your own", NO_LIMITS, "It has only its own limits."),
    )
}

#: Other names for the same accounts.
_ALSO: Mapping[str, str] = {
    **dict.fromkeys(("google", "workspace", "g-suite", "gsuite"), "google-workspace"),
    **dict.fromkeys(("microsoft", "microsoft365", "office365", "office-365"), "microsoft-365"),
    **dict.fromkeys(("m365", "outlook", "exchange-online"), "microsoft-365"),
    **dict.fromkeys(("ses", "aws-ses", "amazon"), "amazon-ses"),
    **dict.fromkeys(("host", "web-host", "cpanel-host", "c-panel"), "cpanel"),
    **dict.fromkeys(("postmark", "mailgun", "brevo", "sendgrid", "resend", "relays"), "relay"),
    **dict.fromkeys(("own", "server", "none"), "own-server"),
}


def find_preset(name: str) -> Preset | None:
    """Return the preset with that name, however it is spelt; `None` if there is none."""
    key = re.sub(r"[\s_]+", "-", name.strip().lower())
    return PRESETS.get(_ALSO.get(key, key))


#: The mail servers by which a kind of account is recognised, with `*` for any part of a name.
_SERVERS: Mapping[str, tuple[str, ...]] = {
    "google-workspace": ("smtp.gmail.com", "smtp.googlemail.com", "smtp-relay.gmail.com"),
    "microsoft-365": ("smtp.office365.com", "outlook.office365.com"),
    "amazon-ses": ("email-smtp.*.amazonaws.com", "email-smtp-fips.*.amazonaws.com"),
    "relay": (
        *("smtp.postmarkapp.com", "smtp-broadcasts.postmarkapp.com"),
        *("smtp.mailgun.org", "smtp.*.mailgun.org"),
        *("smtp-relay.brevo.com", "smtp-relay.sendinblue.com"),
        *("smtp.sendgrid.net", "smtp.*.sendgrid.net", "smtp.resend.com"),
    ),
}

#: Who logs in at Google with such an address has a personal account, which may send less.
_PERSONAL = ("@gmail.com", "@googlemail.com")


def preset_at(server: str, user: str = "") -> Preset | None:
    """Return the kind of account that a mail server's name and a login tell, if they do."""
    name = server.lower().rstrip(".")
    for key, patterns in _SERVERS.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            is_personal = key == "google-workspace" and user.lower().endswith(_PERSONAL)
            return PRESETS["gmail" if is_personal else key]
    return None


@dataclass(frozen=True, slots=True)
class AccountChoices:
    """What someone has chosen for the account: a preset's key, and numbers of their own.

    A number is `None` if they left it to the preset, and `UNLIMITED` for no limit.
    """

    preset: str | None = None
    minute: int | None = None
    hour: int | None = None
    day: int | None = None
    connections: int | None = None


NO_CHOICES = AccountChoices()


def read_number(text: str) -> int | None:
    """Read a limit: a whole number from 1 up, `none` for no limit, nothing for the preset's.

    Raise `LimitError`, which says what to write.
    """
    said = text.strip().lower()
    if not said:
        return None
    if said == "none":
        return UNLIMITED
    plain = said.replace(",", "").replace(" ", "").lstrip("0")
    if not (plain.isascii() and plain.isdigit() and int(plain[:11]) <= _MOST):
        raise LimitError(f"write a whole number from 1 to {_MOST:,}, or none")
    return int(plain)


def limits_in_force(fixed: AccountChoices, own: AccountChoices) -> Limits:
    """Return the limits: each number is the `fixed` one, else the owner's, else the preset's."""
    preset = PRESETS.get(fixed.preset or own.preset or "")
    usual = preset.limits if preset else NO_LIMITS
    chosen: dict[str, int | None] = {}
    for name in NUMBERS:
        found = (getattr(one, name) for one in (fixed, own, usual))
        number = next((number for number in found if number is not None), None)
        chosen[name] = None if number == UNLIMITED else number
    return Limits(**chosen)
