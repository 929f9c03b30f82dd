"""Encrypted connections, and the messages shown if none is possible."""

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nurture.mail.smtp.session import SmtpSession
from tests.mail.certificates import SelfSigned, self_signed
from tests.mail.offering import (
    ACCEPTED,
    DEFERRED,
    IN_DOUBT,
    PATIENCE,
    envelope,
    envelopes,
    mailer_to,
    statuses,
)
from tests.mail.scripted_server import GARBAGE, Answer, Fault, ScriptedServer
from tests.presence import at_least_one

STAGES = ("MAIL", "RCPT", "DATA", "dot")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> SelfSigned:
    """A certificate for this machine."""
    return self_signed(tmp_path_factory.mktemp("tls"), "localhost", "127.0.0.1")


def test_starttls_encrypts_the_session(
    certificate: SelfSigned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    with ScriptedServer(tls=certificate.context, extensions=["AUTH PLAIN"]) as server:
        url = f"smtp://user:secret@127.0.0.1:{server.port}?starttls=required"
        sending = mailer_to(url)
        data = b"Subject: large\r\n\r\n" + b"a line of text\r\n" * 60_000
        outcomes = list(sending.offer(envelopes(20, data)))
        sending.close()
        assert statuses(outcomes) == {ACCEPTED: 20}
        assert {accepted.data for accepted in server.accepted} == {data}
        verbs = [command.split()[0].upper() for command in server.visits[0].commands]
        assert verbs[:5] == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL"]


def test_smtps_encrypts_the_session_from_the_first_byte(
    certificate: SelfSigned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    with ScriptedServer(tls=certificate.context, implicit_tls=True) as server:
        sending = mailer_to(f"smtps://127.0.0.1:{server.port}")
        assert statuses(list(sending.offer(envelopes(20)))) == {ACCEPTED: 20}
        sending.close()
        assert len(server.accepted) == 20


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.SILENCE, GARBAGE], ids=str)
@pytest.mark.parametrize("stage", STAGES)
def test_faults_have_the_same_outcome_over_tls(
    certificate: SelfSigned, monkeypatch: pytest.MonkeyPatch, stage: str, fault: Answer
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    with ScriptedServer({stage: fault}, tls=certificate.context, implicit_tls=True) as server:
        sending = mailer_to(f"smtps://127.0.0.1:{server.port}", timeout=PATIENCE)
        [outcome] = sending.offer(envelopes(1))
        sending.close()
    assert outcome.status is (IN_DOUBT if stage == "dot" else DEFERRED)


def encrypted_pair(certificate: SelfSigned) -> tuple[ssl.SSLSocket, ssl.SSLSocket]:
    """Return two ends of an encrypted connection with small buffers."""
    client, server = socket.socketpair()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    trusting = ssl.create_default_context(cafile=certificate.path)
    with ThreadPoolExecutor() as threads:
        accepting = threads.submit(certificate.context.wrap_socket, server, server_side=True)
        return trusting.wrap_socket(client, server_hostname="localhost"), accepting.result()


def test_a_final_dot_in_a_tls_record_that_may_have_been_sent_is_in_doubt(
    certificate: SelfSigned,
) -> None:
    """The last record, stuck on its way out, is never reported as written."""
    stuck = []
    for kilobytes in range(4, 260, 8):
        client, server = encrypted_pair(certificate)
        with client, server:
            session = SmtpSession(client, server="x", pipelining=True, size_limit=0, timeout=1)
            session.take(envelope(1, b"a" * kilobytes * 1024 + b"\r\n"))
            session.write()
            server.sendall(b"250 ok\r\n250 ok\r\n354 go on\r\n")
            session.exchange()
            session.write()
            if session.wants_to_write:
                stuck += [outcome.status for outcome in session.expire()]
    assert set(stuck) == {IN_DOUBT, DEFERRED}
    assert stuck == sorted(stuck, key=[IN_DOUBT, DEFERRED].index)


def test_an_untrusted_certificate_defers_the_message(certificate: SelfSigned) -> None:
    with ScriptedServer(tls=certificate.context) as server:
        [outcome] = mailer_to(f"{server.url}?starttls=required").offer(envelopes(1))
    assert outcome.status is DEFERRED
    assert "certificate" in outcome.reason
    assert "SSL_CERT_FILE" in outcome.reason


def test_a_certificate_for_another_host_defers_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = self_signed(tmp_path, "other.example.org")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.path))
    with ScriptedServer(tls=other.context) as server:
        [outcome] = mailer_to(f"{server.url}?starttls=required").offer(envelopes(1))
    assert outcome.status is DEFERRED
    assert "certificate" in outcome.reason


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("454 4.7.0 TLS not available", "TLS not available"),
        (GARBAGE, "nonsense"),
        (Fault.DROP, "hung up"),
        (Fault.SILENCE, "did not answer"),
    ],
)
def test_a_failed_starttls_never_falls_back_to_plain_text(
    certificate: SelfSigned, answer: Answer, said: str
) -> None:
    with ScriptedServer({"STARTTLS": answer}, tls=certificate.context) as server:
        url = f"{server.url}?starttls=required"
        [outcome] = mailer_to(url, timeout=PATIENCE).offer(envelopes(1))
        assert not any(
            c.startswith("MAIL") for visit in at_least_one(server.visits) for c in visit.commands
        )
    assert outcome.status is DEFERRED
    assert said in outcome.reason


def test_a_tls_attempt_on_a_plain_port_is_explained() -> None:
    with ScriptedServer() as server:
        url = f"smtps://127.0.0.1:{server.port}"
        [outcome] = mailer_to(url, timeout=1.0).offer(envelopes(1))
    assert outcome.status is DEFERRED
    assert "465 goes with smtps://" in outcome.reason
