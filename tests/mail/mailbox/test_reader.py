"""Reading a mail: any bytes give a result, quickly, and only what proves something is taken."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.messages.inbound_mail import InboundKind
from nurture.mail.mailbox.parts import take_apart
from nurture.mail.mailbox.reader import read_inbound, wants_body

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.eml"))

_HEAD = b"From: MAILER-DAEMON@x.example\nSubject: failure notice\n"
_NESTED = b"".join(
    b"--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n" % (n, n + 1) for n in range(9000)
)

#: Mails that are built to take long, or to be deeper and larger than any mail is.
EXPENSIVE = {
    "parts": _HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 200_000,
    "depth": _HEAD + b"Content-Type: multipart/mixed; boundary=b0\n\n" + _NESTED,
    "mails in mails": b"Content-Type: message/rfc822\n\n" * 30_000,
    "addresses": _HEAD + b"\n" + b"a.a@a.a-" * 120_000,
    "tags": _HEAD + b"Content-Type: text/html\n\n" + b"<p " * 300_000,
    "codes": _HEAD + b"\n" + b"error 550" * 100_000,
    "words": _HEAD + b"\n" + b"user mailbox delivery message " * 30_000,
    "empty lines": _HEAD + b"\n" + b" \n" * 500_000,
    "quotes": _HEAD + b"\n" + b"> - _ * " * 120_000,
    "comments": b"From: " + b"(" * 900_000 + b"\n\n",
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 80_000 + b"\n\n",
    "groups": b"Content-Type: message/delivery-status\n\n" + b"a:\n\n" * 200_000,
    "headers": b"a:\n" * 300_000,
}


@given(st.binary(max_size=2_000))
def test_any_bytes_give_a_result(data: bytes) -> None:
    read_inbound(data)
    take_apart(data)
    wants_body(data)


@given(
    st.sampled_from(CORPUS),
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 200), st.binary(max_size=40))),
)
def test_any_damaged_report_gives_a_result(
    path: Path, damages: list[tuple[int, int, bytes]]
) -> None:
    data = path.read_bytes()
    for start, length, instead in damages:
        data = data[:start] + instead + data[start + length :]
    take_apart(data)
    assert read_inbound(data) == read_inbound(data)


@pytest.mark.parametrize("name", EXPENSIVE)
def test_a_mail_built_to_be_expensive_is_read_in_seconds(name: str) -> None:
    began_at = time.monotonic()
    read_inbound(EXPENSIVE[name])
    assert time.monotonic() - began_at < 20


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_headers_alone_say_whether_the_rest_is_needed(path: Path) -> None:
    data = path.read_bytes()
    head = data.partition(b"\n\n")[0] + b"\n\n"
    whole, alone = read_inbound(data), read_inbound(head)
    tells = whole.kind in (InboundKind.REPORT, InboundKind.COMPLAINT) and whole.message_ids != ()
    replies = {one.kind is InboundKind.REPLY for one in (whole, alone)}
    assert wants_body(head) or (not tells and len(replies) == 1)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_line_ends_make_no_difference(path: Path) -> None:
    data = path.read_bytes()
    one, other = read_inbound(data), read_inbound(data.replace(b"\n", b"\r\n"))
    assert one == other


def test_a_mail_is_the_same_whichever_way_it_came() -> None:
    data = CORPUS[0].read_bytes()
    traced = b"Delivered-To: a@b.example\nReceived: from x\n" + data
    assert read_inbound(data).identity == read_inbound(traced).identity
