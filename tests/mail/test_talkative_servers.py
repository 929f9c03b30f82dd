"""Mail servers that send far too much exhaust neither memory nor storage."""

import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nurture.mail.smtp.replies import MOST_KEPT, ReplyReader
from tests.mail.offering import envelope, mailer_to


@contextmanager
def talking(first: bytes, again: bytes) -> Iterator[str]:
    """Run a server that sends one thing, then repeats another until it is cut off."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        visitor, _ = listener.accept()
        try:
            visitor.sendall(first)
            for _ in itertools.repeat(None):
                visitor.sendall(again * 1000)
        except OSError:
            visitor.close()

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
        thread.join(10)


@pytest.mark.parametrize("again", [b"220-welcome\r\n", b"x" * 50, b"220-" + b"y" * 400 + b"\r\n"])
def test_an_endless_greeting_is_cut_off(again: bytes) -> None:
    with talking(b"220-hello\r\n", again) as url:
        [outcome] = mailer_to(url).offer(iter([envelope(1)]))
    assert outcome.status == "deferred"
    assert len(outcome.reason) < 500


def test_a_long_answer_is_truncated() -> None:
    long = b"".join(b"550-5.7.1 " + b"z" * 3000 + b"\r\n" for _ in range(90)) + b"550 end\r\n"
    [reply] = ReplyReader().feed(long)
    assert reply.code == 550
    assert reply.text.startswith("5.7.1 zzz")
    assert len(reply.text) <= MOST_KEPT
    [one] = ReplyReader().feed(b"550 5.1.1 " + b"z" * 4000 + b"\r\n")
    assert len(one.text) == MOST_KEPT


def test_characters_that_reverse_the_text_direction_are_removed() -> None:
    said = "550 5.1.1 no \u202egnp.exe\u202c such\a \u2066user\u2069\r\n"
    [reply] = ReplyReader().feed(said.encode())
    assert reply.text == "5.1.1 no gnp.exe such user"
