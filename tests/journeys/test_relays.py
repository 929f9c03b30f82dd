"""An email passes through a relay that changes it, and the relay's events still find it.

The whole path each time: from the setting to the bytes, through a mail server that rewrites as
that provider does, to an independent check of our signature, and back by the provider's call.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import dkim
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import delete, update

from nurture.domain.messages.status import MessageStatus
from nurture.mail.dkim import Signer
from nurture.mail.providers import relays
from nurture.mail.setup import relay_of
from nurture.services.backup import held
from nurture.settings import SettingsError, load_settings
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation
from tests.mail.provider_calls import (
    Scheme,
    brevo_scheme,
    mailgun_scheme,
    postmark_scheme,
    resend_scheme,
    sendgrid_scheme,
    ses_scheme,
)
from tests.presence import at_least_one
from tests.servers.clock import ClockFile
from tests.servers.smtp import SmtpSink

ANN = "ann@example.org"
THEIR_ID = "0102018f-of-the-relay@relay.example"


@dataclass
class Relay(SmtpSink):
    """A relay that removes headers meant for it, replaces others, and records the result."""

    replaces: Mapping[str, str]
    takes: str
    headers: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Rewrite the head and store what would be delivered."""
        assert envelope.original_content is not None
        head, end, body = envelope.original_content.partition(b"\r\n\r\n")
        fields = re.split(rb"\r\n(?![ \t])", head)
        self.headers.append(dict(_read(one) for one in fields))
        envelope.original_content = b"\r\n".join(self._rewritten(fields)) + end + body
        return await super().handle_DATA(server, session, envelope)

    def _rewritten(self, fields: list[bytes]) -> Iterator[bytes]:
        for one in fields:
            name, _ = _read(one)
            if name in self.replaces:
                continue
            if not re.match(self.takes, name, re.IGNORECASE):
                yield one
        for name, value in self.replaces.items():
            yield f"{name}: {value}".encode()


def _read(one: bytes) -> tuple[str, str]:
    name, _, value = one.decode().partition(":")
    return name, re.sub(r"\r\n\s*", " ", value).strip()


@dataclass(frozen=True)
class Provider:
    """How one provider treats an email, signs a call, and reports that an email was delivered."""

    replaces: Mapping[str, str]
    takes: str
    tell: Callable[[dict[str, str]], Any]
    scheme: Callable[[Path], Scheme]


_NEW_ID = {"Message-ID": f"<{THEIR_ID}>"}
_AMAZON = {
    **_NEW_ID,
    "Date": "Tue, 03 Mar 2026 09:00:00 +0000",
    "Feedback-ID": "1.eu-west-2.relay:AmazonSES",
}


def by_postmark(headers: dict[str, str]) -> Any:
    metadata = {
        name.removeprefix("X-PM-Metadata-"): value
        for name, value in headers.items()
        if name.startswith("X-PM-Metadata-")
    }
    told = {"RecordType": "Delivery", "MessageID": "883953f4", "Recipient": "other@example.org"}
    return told | {"DeliveredAt": "2026-03-02T08:31:05Z", "Metadata": metadata}


def by_sendgrid(headers: dict[str, str]) -> Any:
    arguments = json.loads(headers["X-SMTPAPI"])["unique_args"]
    event = {"event": "delivered", "sg_event_id": "e1", "timestamp": 1772440265}
    return [event | {"email": "other@example.org"} | arguments]


def by_brevo(headers: dict[str, str]) -> Any:
    told = {"event": "delivered", "email": "other@example.org", "ts_epoch": 1772440265123}
    carried = {"X-Mailin-custom": headers["X-Mailin-custom"]}
    return told | {"message-id": f"<{THEIR_ID}>"} | carried


def by_mailgun(headers: dict[str, str]) -> Any:
    variables = json.loads(headers["X-Mailgun-Variables"])
    event = {"event": "delivered", "id": "e1", "timestamp": 1772440265.1}
    event |= {"recipient": "other@example.org", "message": {"headers": []}}
    return {"event-data": event | {"user-variables": variables}}


def by_ses(headers: dict[str, str]) -> Any:
    tags = dict(pair.split("=") for pair in headers["X-SES-MESSAGE-TAGS"].split(", "))
    assert all(
        re.fullmatch(r"[A-Za-z0-9_-]{1,256}", text)
        for pair in at_least_one(tags.items())
        for text in pair
    )
    mail: dict[str, Any] = {"messageId": "0102018f-ses", "destination": ["other@example.org"]}
    mail |= {"tags": {name: [value] for name, value in tags.items()}}
    event = {"eventType": "Delivery", "mail": mail, "delivery": {"smtpResponse": "250 OK"}}
    wrapped = {"Type": "Notification", "MessageId": "n1", "SignatureVersion": "2"}
    wrapped |= {"TopicArn": "arn:aws:sns:eu-west-2:123456789012:nurture"}
    wrapped |= {
        "SigningCertURL": "https://sns.eu-west-2.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
    }
    return wrapped | {"Message": json.dumps(event)}


def by_resend(headers: dict[str, str]) -> Any:
    data = {"email_id": "56761188", "to": ["other@example.org"]}
    data |= {"message_id": headers["Message-ID"]}
    return {"type": "email.delivered", "created_at": "2026-03-02T08:31:05.126Z", "data": data}


PROVIDERS = {
    "postmark": Provider(_NEW_ID, "X-PM-", by_postmark, lambda _: postmark_scheme()),
    "sendgrid": Provider({}, "X-SMTPAPI", by_sendgrid, lambda _: sendgrid_scheme()),
    "brevo": Provider(_NEW_ID, "X-Mailin-", by_brevo, lambda _: brevo_scheme()),
    "mailgun": Provider({}, "X-Mailgun-", by_mailgun, lambda _: mailgun_scheme()),
    "ses": Provider(_AMAZON, "X-SES-", by_ses, ses_scheme),
    "resend": Provider(_AMAZON, "Resend-", by_resend, lambda _: resend_scheme()),
}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dkim") / "dkim.pem"
    private = rsa.generate_private_key(65537, 2048)
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def believed(data: bytes, key: Path, domain: str) -> bool:
    """Ask another DKIM implementation, which sees only what our DNS would say."""
    name, value = Signer.load("s1", key.read_bytes(), domain).dns_record()

    def look_up(asked: bytes, timeout: int = 5) -> bytes | None:
        return value.encode() if asked.decode().rstrip(".") == name else None

    return bool(dkim.DKIM(data).verify(dnsfunc=look_up))


@dataclass
class Sent:
    """An installation with one provider, and the email that its relay passed on."""

    home: Installation
    relay: Relay
    scheme: Scheme

    @property
    def mail(self) -> EmailMessage:
        return self.relay.mails[0].message

    def tell(self, document: Any, provider: str) -> int:
        headers, body = self.scheme.sign(json.dumps(document).encode(), self.home.clock.now)
        path = f"/webhooks/mail/{provider}"
        return self.home.client.post(path, data=body, headers=headers).status_code


def send(
    name: str, called: str, key: Path, url: str, tmp_path: Path, clock: ClockFile
) -> Iterator[Sent]:
    provider = PROVIDERS[name]
    scheme = provider.scheme(tmp_path)
    settings = {
        "NURTURE_MAIL_PROVIDER": called,
        "NURTURE_DKIM_SELECTOR": "s1",
        "NURTURE_DKIM_KEY_FILE": str(key),
        f"NURTURE_{name.upper()}_SECRET": scheme.secret,
    }
    relay = Relay(provider.replaces, provider.takes)
    with relay:
        home = Installation(url, tmp_path, clock, relay.url, settings).publish_shipped()
        home.subscribe(ANN)
        home.deliver()
        yield Sent(home, relay, scheme)
        home.close()


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_relayed_email_keeps_its_signature_and_its_events_find_its_message(
    name: str, key: Path, sqlite_url: str, tmp_path: Path, clock_file: ClockFile
) -> None:
    for sent in at_least_one(send(name, name, key, sqlite_url, tmp_path, clock_file)):
        domain = sent.home.context.practice.sender_domain
        assert believed(sent.relay.mails[0].data, key, domain)
        signature = str(sent.mail["DKIM-Signature"]).casefold()
        assert not [one for one in PROVIDERS[name].replaces if f":{one.casefold()}:" in signature]
        assert sent.tell(PROVIDERS[name].tell(sent.relay.headers[0]), name) == 204
        assert sent.home.statuses(ANN) == [("your-guide", MessageStatus.DELIVERED)]
        [event] = [row for row in sent.home.rows(events) if row["source"] == name]
        assert event["message_id"] == 1 and event["subscriber_id"] == 1


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_relays_event_identifies_the_step_even_if_the_message_row_is_lost(
    name: str, key: Path, sqlite_url: str, tmp_path: Path, clock_file: ClockFile
) -> None:
    for sent in at_least_one(send(name, name, key, sqlite_url, tmp_path, clock_file)):
        context, now = sent.home.context, sent.home.clock.now
        told = PROVIDERS[name].tell(sent.relay.headers[0])
        _, body = sent.scheme.sign(json.dumps(told).encode(), now)
        [whom] = {event.recipient for event in relays()[name].parse(body)}
        sent.home.subscribe(ANN, "over-50-guide")
        with context.database.writing() as connection:
            connection.execute(delete(messages))
            connection.execute(update(subscribers).values(address=whom, address_key=whom))
            as_backed_up = {"guide_wanted": True, "passed": (), "held_at": now}
            connection.execute(update(enrolments).values(as_backed_up))
        assert held.count_held(context.database) == 2
        assert sent.tell(told, name) == 204
        [left] = held.list_held(context.database, context.catalogue, now)
        assert left.sequence == "over-50-guide"
        assert sent.home.enrolment(str(whom))["passed"] == {"your-guide"}


@pytest.mark.parametrize("name", ["ses", "postmark"])
def test_the_relay_breaks_the_signature_if_the_provider_is_not_set(
    name: str, key: Path, sqlite_url: str, tmp_path: Path, clock_file: ClockFile
) -> None:
    for sent in at_least_one(send(name, "none", key, sqlite_url, tmp_path, clock_file)):
        assert not believed(sent.relay.mails[0].data, key, sent.home.context.practice.sender_domain)


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_the_relay_headers_identify_a_message_and_no_person(
    name: str, key: Path, sqlite_url: str, tmp_path: Path, clock_file: ClockFile
) -> None:
    for sent in at_least_one(send(name, name, key, sqlite_url, tmp_path, clock_file)):
        tokens, domain = sent.home.context.tokens, sent.home.context.practice.sender_domain
        own = f"{tokens.message_id(1)}@{tokens.step_mark('pain-guide/your-guide')}.{domain}"
        carried = relays()[name].headers_for(own)
        assert carried
        assert carried.items() <= sent.relay.headers[0].items()
        assert "ann" not in str(carried).casefold()
        assert all(len(f"{one}: {value}") < 998 for one, value in at_least_one(carried.items()))


def test_an_email_without_a_provider_has_no_provider_headers(
    key: Path, sqlite_url: str, tmp_path: Path, clock_file: ClockFile
) -> None:
    for sent in at_least_one(send("ses", "none", key, sqlite_url, tmp_path, clock_file)):
        assert [one for one in sent.relay.headers[0] if one.lower().startswith("x-")] == []


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("smtp.postmarkapp.com", "postmark"),
        ("smtp-broadcasts.postmarkapp.com", "postmark"),
        ("smtp.sendgrid.net", "sendgrid"),
        ("smtp-relay.brevo.com", "brevo"),
        ("smtp-relay.sendinblue.com", "brevo"),
        ("email-smtp.eu-west-2.amazonaws.com", "ses"),
        ("email-smtp-fips.us-east-1.amazonaws.com", "ses"),
        ("smtp.mailgun.org", "mailgun"),
        ("smtp.eu.mailgun.org", "mailgun"),
        ("smtp.resend.com", "resend"),
        ("SMTP.Resend.com.", "resend"),
        ("smtp.gmail.com", None),
        ("smtp.sendgrid.net.example.org", None),
        ("notsmtp.mailgun.org", None),
        ("[::1]", None),
    ],
)
def test_a_provider_is_recognised_by_its_mail_server(
    host: str, provider: str | None, tmp_path: Path
) -> None:
    given = {"NURTURE_SMTP_URL": f"smtp://user:pass@{host}:587?starttls=required"}
    found = relay_of(load_settings(given | {"NURTURE_DATA_DIR": str(tmp_path)}))
    assert (found.name if found else None) == provider


@pytest.mark.parametrize("url", ["", "smtp://[broken", "nonsense"])
def test_an_unreadable_mail_server_address_implies_no_provider(url: str, tmp_path: Path) -> None:
    given = {"NURTURE_SMTP_URL": url, "NURTURE_DATA_DIR": str(tmp_path)}
    assert relay_of(load_settings(given)) is None


@pytest.mark.parametrize(("named", "provider"), [("ses", "ses"), (" SES ", "ses"), ("none", None)])
def test_a_configured_provider_overrides_the_recognised_one(
    named: str, provider: str | None, tmp_path: Path
) -> None:
    given = {"NURTURE_SMTP_URL": "smtp://smtp.resend.com", "NURTURE_MAIL_PROVIDER": named}
    found = relay_of(load_settings(given | {"NURTURE_DATA_DIR": str(tmp_path)}))
    assert (found.name if found else None) == provider


@pytest.mark.parametrize("named", ["sparkpost", "generic", "ses,postmark"])
def test_an_unknown_provider_is_refused_in_one_sentence(named: str, tmp_path: Path) -> None:
    given = {"NURTURE_MAIL_PROVIDER": named, "NURTURE_DATA_DIR": str(tmp_path)}
    with pytest.raises(SettingsError, match="write brevo, mailgun, none, postmark, resend"):
        relay_of(load_settings(given))


def test_every_relay_is_tested_here() -> None:
    assert set(relays()) == set(PROVIDERS)


def test_the_status_names_the_mail_provider(
    sqlite_home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nurture.cli import main

    for name, value in sqlite_home.environment.items():
        monkeypatch.setenv(name, value)
    for named, shown in (("ses", "ses"), ("none", "none")):
        monkeypatch.setenv("NURTURE_MAIL_PROVIDER", named)
        told = CliRunner().invoke(main, ["status", "--json"])
        assert json.loads(told.output)["mail_provider"] == shown
    monkeypatch.setenv("NURTURE_MAIL_PROVIDER", "sparkpost")
    refused = CliRunner().invoke(main, ["status", "--json"])
    assert refused.exit_code != 0
    assert "NURTURE_MAIL_PROVIDER: write brevo" in refused.output
