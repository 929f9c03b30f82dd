"""The first-start checklist: what must be in order before the first real email is sent."""

import ssl
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from nurture.clock import real_now
from nurture.domain.practice import Practice
from nurture.domain.sequences.sequence import Sequence
from nurture.mail.login import RenewableTokens
from nurture.mail.smtp.opening import Opening
from nurture.mail.smtp.route import SmtpRoute
from nurture.services.publishing.guides import is_sample
from nurture.settings import Settings

#: Seconds that one external check may take; the owner is waiting for the page.
_PATIENCE = 6.0


class Task(StrEnum):
    """The things that must be in order."""

    SENDER = "sender"
    ADDRESS = "address"
    GUIDES = "guides"
    BASE_URL = "base_url"
    MAIL_SERVER = "mail_server"
    DNS = "dns"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What was found; `fine` is `None` if only an external check could tell."""

    fine: bool | None
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class ChecklistSubject:
    """Everything the checks look at; `uploaded` are the sequences with a guide from the owner.

    `tokens` are for a mail server that is logged in to with access tokens.
    """

    settings: Settings
    practice: Practice
    sequences: Mapping[str, Sequence]
    library: Path
    uploaded: Collection[str] = ()
    tokens: RenewableTokens | None = None


def at_a_glance(premises: ChecklistSubject) -> dict[Task, CheckResult]:
    """Return what is known about each task without contacting anything outside."""
    return {
        Task.SENDER: _sender(premises),
        Task.ADDRESS: _address(premises),
        Task.GUIDES: _guides(premises),
        Task.BASE_URL: _base_url(premises),
        Task.MAIL_SERVER: _mail_server(premises),
        Task.DNS: CheckResult(
            None, (f"For {premises.practice.sender_domain}: SPF, DKIM and DMARC.",)
        ),
    }


def check(premises: ChecklistSubject, task: Task) -> CheckResult:
    """Check thoroughly, including outside; take a few seconds at most and never raise."""
    thorough: dict[Task, Callable[[ChecklistSubject], CheckResult]] = {
        Task.BASE_URL: lambda premises: reach(premises.settings.public_url),
        Task.MAIL_SERVER: lambda premises: open_session(premises.settings, premises.tokens),
        Task.DNS: _look_up,
    }
    glance = at_a_glance(premises)[task]
    return glance if glance.fine is False or task not in thorough else thorough[task](premises)


def reach(address: str) -> CheckResult:
    """Check that these pages answer at their public address, as seen from here."""
    return visit(address)[0]


def visit(address: str) -> tuple[CheckResult, datetime | None]:
    """Check that these pages answer at their public address; also return the time there.

    If the response carries no time, that is the current time; if there is no response, `None`.
    """
    try:
        with urlopen(f"{address}/healthz", timeout=_PATIENCE) as answer:  # noqa: S310
            answer.read(1000)
            return CheckResult(True, (f"{address} answers.",)), _date(answer.headers)
    except HTTPError as error:
        return CheckResult(False, (f"Something else answers at {address}.",)), _date(error.headers)
    except HTTPException:
        return CheckResult(False, (f"Something else answers at {address}.",)), real_now()
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        said = f"{address} cannot be reached from here: {reason}."
        return CheckResult(False, (said,)), None


def _date(headers: Message) -> datetime:
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        return real_now()


def _sender(premises: ChecklistSubject) -> CheckResult:
    practice = premises.practice
    if not practice.sender_name or "@" not in practice.sender_address:
        return CheckResult(False, ("The sender’s name or address is missing.",))
    return CheckResult(True, (f"{practice.sender_name}, {practice.sender_address}",))


def _address(premises: ChecklistSubject) -> CheckResult:
    if not premises.practice.address:
        return CheckResult(False, ("The law asks for your postal address in every email.",))
    return CheckResult(True, (premises.practice.address_line,))


def _guides(premises: ChecklistSubject) -> CheckResult:
    samples = [
        found for found in premises.sequences.values() if found.form and _is_sample(premises, found)
    ]
    if samples:
        titles = tuple(f"“{found.guide_title}” is still the sample." for found in samples)
        return CheckResult(False, titles)
    return CheckResult(True, ("Your own guides are in place.",))


def _is_sample(premises: ChecklistSubject, sequence: Sequence) -> bool:
    uploaded = sequence.key in premises.uploaded
    return not uploaded and is_sample(premises.library, sequence)


def _base_url(premises: ChecklistSubject) -> CheckResult:
    address = premises.settings.base_url
    if not address.startswith("https://"):
        said = "NURTURE_BASE_URL is to be the public https address of these pages."
        return CheckResult(False, (said,))
    return CheckResult(None, (address,))


def _mail_server(premises: ChecklistSubject) -> CheckResult:
    if not premises.settings.smtp_url:
        said = "NURTURE_SMTP_URL is not set; until then emails are kept in the local outbox."
        return CheckResult(False, (said,))
    return CheckResult(None, (str(SmtpRoute.from_url(premises.settings.smtp_url)),))


def open_session(settings: Settings, tokens: RenewableTokens | None) -> CheckResult:
    """Connect to the mail server, log in as a worker would, and disconnect."""
    route = SmtpRoute.from_url(settings.smtp_url)
    context = ssl.create_default_context() if route.may_encrypt else None
    opening = Opening(route, _PATIENCE, context, lambda _: None, tokens)
    opening.start()
    opening.wait(2 * _PATIENCE)
    if opening.session is None:
        opening.abandon()
        return CheckResult(False, (opening.refusal or f"{route} does not answer.",))
    opening.discard()
    return CheckResult(True, (f"{route} answers and takes the login.",))


def _look_up(premises: ChecklistSubject) -> CheckResult:
    found = look_up(premises.practice.sender_domain, premises.settings.dkim_selector)
    fine = all(record.fine is not False for record in found)
    return CheckResult(fine, tuple(record.sentence for record in found))


@dataclass(frozen=True, slots=True)
class Record:
    """A DNS record of a domain: whether it exists, and a sentence that says so."""

    name: str
    fine: bool | None
    sentence: str


def look_up(domain: str, selector: str, patience: float = _PATIENCE) -> list[Record]:
    """Look up SPF, DMARC and, if a key with a `selector` is set, DKIM, all in parallel.

    It takes at most `patience` seconds.
    """
    wanted = [("SPF", domain, "v=spf1"), ("DMARC", f"_dmarc.{domain}", "v=dmarc1")]
    if selector:
        wanted.append(("DKIM", f"{selector}._domainkey.{domain}", "p="))
    with ThreadPoolExecutor(len(wanted)) as at_once:
        answers = list(at_once.map(lambda one: _record(one[0], one[1], one[2], patience), wanted))
    found = [Record(one[0], *answer) for one, answer in zip(wanted, answers, strict=True)]
    if not selector:
        said = "DKIM: your mail server has to sign, as no key is set here."
        found.append(Record("DKIM", None, said))
    return found


def _record(name: str, at: str, holds: str, patience: float) -> tuple[bool | None, str]:
    import dns.exception  # Every program's start would wait for it.
    import dns.resolver

    try:
        answers = dns.resolver.resolve(at, "TXT", lifetime=patience)
        texts = [b"".join(one.strings).decode("utf-8", "replace") for one in answers]
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        texts = []
    except (dns.exception.DNSException, OSError):
        return False, f"{name}: the names could not be looked up; try again."
    if any(holds in text.casefold() for text in texts):
        return True, f"{name}: {at} has its record."
    return False, f"{name}: {at} has no record yet; whoever looks after the domain adds it."
