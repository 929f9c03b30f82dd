"""Requests made to Amazon, and which calls are believed to concern our own topic."""

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from nurture.mail.amazon import (
    AmazonUnavailableError,
    Certificates,
    download,
    is_certificate,
    is_request,
)
from nurture.mail.providers import Provider, ses
from nurture.signatures import SignatureError
from tests.mail.amazon_calls import CERTIFICATE, NOW, OURS, PEM, YES, notification, signed_by_amazon
from tests.mail.certificates import self_signed

THEIRS = "arn:aws:sns:eu-west-2:999999999999:somebody"


def amazon() -> Provider:
    return ses.provider(lambda url, path: CERTIFICATE)


def verify(message: Mapping[str, Any]) -> None:
    amazon().verify(OURS, {}, json.dumps(message).encode(), NOW)


def test_a_message_from_our_topic_is_accepted_with_line_feeds_in_its_text() -> None:
    verify(notification("one\ntwo"))
    verify(notification("one", Subject="Amazon SES Email Event Notification"))


def test_a_message_signed_for_another_topic_cannot_be_passed_off_as_ours() -> None:
    """Fields are joined by line feeds, so a value containing some could be read as several."""
    end = f"Timestamp\n{NOW.isoformat()}\nTopicArn"
    inner = f"forged\nMessageId\nx\n{end}\n{OURS}\nType\nNotification"
    theirs = notification(inner, THEIRS)
    rest = f"MessageId\nm-1\n{end}\n{THEIRS}\nType\nNotification"
    forged = {"Message": "forged", "MessageId": "x", "Timestamp": NOW.isoformat()}
    forged |= {"TopicArn": OURS, "Type": f"Notification\n{rest}"}
    assert "".join(f"{n}\n{v}\n" for n, v in forged.items()) == "".join(
        f"{n}\n{theirs[n]}\n" for n in ("Message", "MessageId", "Timestamp", "TopicArn", "Type")
    )
    with pytest.raises(SignatureError):
        verify(theirs | forged)


@pytest.mark.parametrize("name", ["MessageId", "Subject", "Timestamp", "TopicArn", "Type"])
@pytest.mark.parametrize("end", ["\n", "\r", "\u2028", "\nType\nNotification"])
def test_line_feeds_are_refused_in_every_field_but_the_message(name: str, end: str) -> None:
    said = notification("x", Subject="s")
    said[name] += end
    names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    said["Signature"] = signed_by_amazon("".join(f"{n}\n{said[n]}\n" for n in names))
    with pytest.raises(SignatureError):
        verify(said)


@pytest.mark.parametrize("kind", ["", "notification", "Other", None, ["Notification"], 1])
def test_an_unknown_kind_of_amazon_message_is_refused(kind: object) -> None:
    with pytest.raises(SignatureError, match="Type"):
        verify(notification("x") | {"Type": kind})


@pytest.mark.parametrize(
    "url",
    [
        PEM.replace("https:", "http:"),
        PEM.replace("eu-west-2", "us-east-1"),
        PEM.replace("sns.", "sns.evil.example/sns."),
        PEM.replace("amazonaws.com", "amazonaws.com.evil.example"),
        PEM.replace("sns.eu", "user@sns.eu"),
        PEM.replace(".com/", ".com:8443/"),
        PEM + "?x=1",
        PEM + "#x",
        PEM.replace("SimpleNotificationService-", "../"),
        "https://sns.eu-west-2.amazonaws.com/anything.pem",
        "https://[",
    ],
)
def test_a_certificate_is_accepted_only_from_amazons_host_in_our_region(url: str) -> None:
    assert not is_certificate(url, OURS)
    assert is_certificate(PEM, OURS)
    assert is_certificate(PEM.replace(".com/", ".com.cn/"), OURS)
    assert not is_certificate(PEM, "arn:aws:sns:evil.example#:1:x")


@pytest.mark.parametrize(
    "url", [YES.replace("Confirm", "Un"), YES.replace("sns.", "x."), YES + "\n", "https://["]
)
def test_a_subscription_is_confirmed_only_at_amazons_own_address(url: str) -> None:
    assert not is_request(url, OURS)
    assert is_request(YES, OURS)


class Amazon:
    """A stand-in for Amazon that counts requests, and answers or fails."""

    def __init__(self, answers: bool = True) -> None:
        self.asked: list[str] = []
        self.answers, self.now = answers, 1000.0

    def load(self, url: str) -> bytes:
        self.asked.append(url)
        if not self.answers:
            raise AmazonUnavailableError("Not now.")
        return CERTIFICATE

    def certificates(self) -> Certificates:
        return Certificates(self.load, lambda: self.now)


def test_a_certificate_is_fetched_once_a_day() -> None:
    amazon = Amazon()
    certificates = amazon.certificates()
    for _ in range(100):
        assert certificates.get(PEM) == CERTIFICATE
    assert len(amazon.asked) == 1
    amazon.now += 25 * 3600
    certificates.get(PEM)
    assert len(amazon.asked) == 2


def test_a_failed_fetch_is_remembered_for_all_certificate_addresses() -> None:
    amazon = Amazon(answers=False)
    certificates = amazon.certificates()
    for number in range(3_000):
        with pytest.raises(AmazonUnavailableError):
            certificates.get(f"{PEM}{number}")
    assert len(amazon.asked) == 1
    amazon.now, amazon.answers = amazon.now + 10, True
    with pytest.raises(AmazonUnavailableError):
        certificates.get(f"{PEM}0")
    assert certificates.get(PEM) == CERTIFICATE
    amazon.now += 300
    assert certificates.get(f"{PEM}0") == CERTIFICATE


def test_nobody_waits_while_a_certificate_is_fetched() -> None:
    asked, answer = threading.Event(), threading.Event()

    def slow(url: str) -> bytes:
        asked.set()
        assert answer.wait(10)
        return CERTIFICATE

    certificates = Certificates(slow)
    first = threading.Thread(target=certificates.get, args=(PEM,))
    first.start()
    assert asked.wait(10)
    with pytest.raises(AmazonUnavailableError, match="just now"):
        certificates.get(PEM)
    answer.set()
    first.join()
    assert certificates.get(PEM) == CERTIFICATE


@contextmanager
def https(folder: Path, status: int, body: bytes) -> Iterator[tuple[str, ssl.SSLContext]]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    made = self_signed(folder, "localhost")
    server = HTTPServer(("127.0.0.1", 0), Answers)
    server.socket = made.context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        trusting = ssl.create_default_context(cafile=str(made.path))
        yield f"https://localhost:{server.server_port}/x.pem", trusting
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_download_is_limited_in_size_and_follows_no_redirect(tmp_path: Path) -> None:
    with https(tmp_path, 200, CERTIFICATE) as (url, trusting):
        assert download(url, trusting) == CERTIFICATE
        with pytest.raises(AmazonUnavailableError, match="SSL"):
            download(url)
    for status, body, why in ((302, b"", "status 302"), (200, b"x" * 1_000_000, "too much")):
        refused = pytest.raises(AmazonUnavailableError, match=why)
        with https(tmp_path, status, body) as (url, trusting), refused:
            download(url, trusting)
