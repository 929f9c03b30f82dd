"""The surroundings: our own port, the mail server, the public address and the domain's DNS."""

import json
import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from urllib.request import ProxyHandler, build_opener

from nurture import booking
from nurture.domain.practice import Practice
from nurture.mail.login import AccessTokenUnavailableError, RenewableTokens
from nurture.mail.providers import Provider
from nurture.mail.smtp.route import SmtpRoute
from nurture.services.health.finding import Finding, doubtful, failed, fine
from nurture.services.owner import checklist
from nurture.settings import Settings

#: Seconds allowed for our own port, which is near.
_NEAR = 4.0

#: Seconds allowed for the domain's names; a database that hangs may already have used up some time.
_NAMES = 3.0

#: A clock that is this far out is reported; one as far out as the second breaks things, since a
#: signed call is valid for five minutes and a worker's lease for less.
OUT, FAR_OUT = timedelta(seconds=10), timedelta(minutes=2)

_SET_THE_CLOCK = "Have the machines set their clocks by NTP: timedatectl set-ntp true."


def web(settings: Settings) -> Iterator[Finding]:
    """Check what listens on the web server's port: nothing, nurture or another program."""
    where, move = f"{settings.host}:{settings.port}", "Stop what runs there, or set NURTURE_PORT."
    if settings.port == 0:
        return
    try:
        socket.create_connection(_door(settings), _NEAR).close()
    except OSError:
        remedy = "Start “nurture serve”, unless this machine only has workers."
        yield doubtful("web", f"Nobody listens on {where}: the web side is not running.", remedy)
        return
    try:
        is_ours = _is_ours(settings.reached_at)
    except TimeoutError:
        said = f"What listens on {where} does not answer within {_NEAR:g} seconds."
        yield failed("web", said, "If it is nurture, see its web.log and start it again.")
        return
    if is_ours:
        yield fine("web", f"nurture answers on {where}.")
    else:
        yield failed("web", f"Another program listens on {where}, and not nurture.", move)


def _door(settings: Settings) -> tuple[str, int]:
    here = settings.reached_at.removeprefix("http://").rpartition(":")[0]
    return here.strip("[]"), settings.port


def _is_ours(address: str) -> bool:
    """Return whether the program there identifies itself as nurture; may raise `TimeoutError`."""
    # A proxy named in the environment is meant for remote hosts.
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"{address}/openapi.json", timeout=_NEAR) as answer:
            return bool(json.loads(answer.read(1_000_000))["info"]["title"] == "nurture")
    except TimeoutError:
        raise
    except Exception as error:
        if isinstance(getattr(error, "reason", None), TimeoutError):
            raise TimeoutError from None
        return False


def public_address(settings: Settings, real_now: Callable[[], datetime]) -> Iterator[Finding]:
    """Check that the pages answer at their public address, and that its clock agrees with ours."""
    if not settings.base_url:
        return
    found, told = checklist.visit(settings.public_url)
    said = " ".join(found.sentences)
    if found.fine:
        yield fine("public address", said)
    elif told is None:
        remedy = "See that DNS, firewall and proxy lead here; some networks hide it from inside."
        yield doubtful("public address", said, remedy)
    else:
        remedy = "Lead that address to the web side: docs/behind-a-proxy.md has how."
        yield failed("public address", said, remedy)
    if told is not None:
        yield from compare_clocks("the public address", told, real_now())


def compare_clocks(whose: str, told: datetime, real_now: datetime) -> Iterator[Finding]:
    """Report how far another clock is from ours."""
    apart = abs(told - real_now)
    said = f"The clock of {whose} and this machine’s are {apart.total_seconds():.0f} seconds apart."
    if apart <= OUT:
        yield fine("clock", f"The clock of {whose} agrees with this machine’s.")
    elif apart <= FAR_OUT:
        yield doubtful("clock", said, _SET_THE_CLOCK)
    else:
        yield failed("clock", said, _SET_THE_CLOCK)


def mail_server(
    settings: Settings, where_mails_stay: str, tokens: RenewableTokens
) -> Iterator[Finding]:
    """Check that the mail server answers and accepts the login."""
    if not settings.smtp_url:
        yield doubtful("mail server", where_mails_stay, "Set NURTURE_SMTP_URL in .env.")
        return
    try:
        if SmtpRoute.from_url(settings.smtp_url).login.needs_token:
            tokens.current()
        found = checklist.open_session(settings, tokens)
    except AccessTokenUnavailableError as unavailable:
        yield doubtful("mail server", unavailable.message, unavailable.remedy)
        return
    said = " ".join(found.sentences)
    if found.fine:
        yield fine("mail server", said)
    else:
        remedy = "Put that right; until then emails wait, and none is lost."
        yield failed("mail server", said, remedy)


def names(settings: Settings, practice: Practice) -> Iterator[Finding]:
    """Check SPF, DKIM and DMARC of the sender's domain."""
    for record in checklist.look_up(practice.sender_domain, settings.dkim_selector, _NAMES):
        if record.fine is False:
            remedy = "Have it added: without, emails land in the junk folder."
            if record.name == "DKIM":
                remedy = "Add the record that “nurture dkim show” prints."
            yield doubtful("dns", record.sentence, remedy)
        else:
            yield fine("dns", record.sentence)


def providers(settings: Settings, relay: Provider | None) -> Iterator[Finding]:
    """Check that bounces and bookings are received."""
    if relay is not None and not settings.secret(relay.secret_setting):
        said = (
            f"Mail goes through {relay.name} and {relay.secret_setting} is not set, so its calls "
            "about bounces and complaints are refused."
        )
        yield doubtful("providers", said, relay.secret_help)
    elif relay is not None:
        yield fine("providers", f"What {relay.name} tells can be believed.")
    calendars = {one.secret_setting for one in booking.registry().values()}
    if not any(settings.secret(name) for name in calendars):
        said = "No calendar’s secret is set, so people who book keep getting the series."
        yield doubtful("providers", said, f"Set one of {', '.join(sorted(calendars))}.")
