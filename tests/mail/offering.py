"""Offering messages to a test's server, and counting the outcomes."""

from collections import Counter
from collections.abc import Iterator

from nurture.domain.messages.status import MessageStatus
from nurture.mail.mailer import Envelope, Outcome
from nurture.mail.smtp.route import SmtpRoute
from nurture.mail.smtp.sending import SmtpMailer
from tests.mail.scripted_server import ScriptedServer
from tests.servers.smtp import SmtpSink

ACCEPTED, DEFERRED = MessageStatus.ACCEPTED, MessageStatus.DEFERRED
FAILED, IN_DOUBT = MessageStatus.FAILED, MessageStatus.IN_DOUBT

DATA = b"Subject: hello\r\n\r\nHow are you?\r\n.\r\n..dots\r\n"
PATIENCE = 0.1
_mailers: list[SmtpMailer] = []


def envelope(number: int, data: bytes = DATA) -> Envelope:
    return Envelope(number, "paul@example.org", f"r{number}@example.org", data)


def envelopes(count: int, data: bytes = DATA) -> Iterator[Envelope]:
    return (envelope(number, data) for number in range(count))


def mailer(server: ScriptedServer | SmtpSink, **options: float) -> SmtpMailer:
    return mailer_to(server.url, **options)


def mailer_to(url: str, **options: float) -> SmtpMailer:
    route = SmtpRoute.from_url(url)
    _mailers.append(SmtpMailer(route, **{"timeout": 5.0, **options}))  # type: ignore[arg-type]
    return _mailers[-1]


def close_mailers() -> None:
    """Close what the test has not closed itself."""
    while _mailers:
        _mailers.pop().close()


def offered(
    server: ScriptedServer, count: int = 1, data: bytes = DATA, **options: float
) -> list[Outcome]:
    """Offer messages to a server, close, and return the outcomes by number."""
    sending = mailer(server, **options)
    outcomes = list(sending.offer(envelopes(count, data)))
    sending.close()
    return sorted(outcomes, key=lambda outcome: outcome.message)


def statuses(outcomes: list[Outcome]) -> Counter[MessageStatus]:
    return Counter(outcome.status for outcome in outcomes)


def recipients(server: ScriptedServer) -> list[str]:
    return sorted(accepted.recipient for accepted in server.accepted)
