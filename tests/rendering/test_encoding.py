"""Any text survives transmission by email, in lines that every server accepts."""

import quopri
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.utils import parseaddr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nurture.rendering.encoding import header_text, mailbox, quoted, quoted_value

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
SCRIPTS = st.text('ab é’ñ Ωж 李ا नि👩\u200d\ufe0f\u0308\u202e?=_\\"<>,:;@.()&', max_size=120)
SUBJECTS = st.one_of(TEXT, SCRIPTS, st.text(st.characters(codec="ascii", min_codepoint=32)))
BODIES = st.one_of(TEXT, SCRIPTS, st.text("a =\t.\n\ré-", max_size=300))


def normal(text: str) -> str:
    return " ".join(text.split())


def lines_end_properly(data: bytes) -> bool:
    """Return whether every line ends with CR and LF together (RFC 5321 section 2.3.8)."""
    rest = data.replace(b"\r\n", b"")
    return b"\r" not in rest and b"\n" not in rest


@settings(max_examples=1000)
@given(SUBJECTS)
@example("=?utf-8?Q?spoof?=")
@example("a" * 60)
@example("a" * 61)
@example("x\r\nBcc: everybody@example.org")
def test_a_subject_reads_the_same_in_new_and_old_mail_programs(subject: str) -> None:
    head = b"Subject: " + header_text(subject) + b"\r\n\r\n"
    new = message_from_bytes(head, policy=policy.default)
    assert (list(new), str(new["Subject"])) == (["Subject"], normal(subject))
    old = message_from_bytes(head)["Subject"]
    assert str(make_header(decode_header(old))) == normal(subject)


@settings(max_examples=400)
@given(SUBJECTS)
@example('Paul "the knee" O\'Brien \\ Sons')
def test_a_mailbox_reads_the_same_with_any_name(name: str) -> None:
    head = b"From: " + mailbox(name, "paul@example.org") + b"\r\n\r\n"
    shown, address = parseaddr(message_from_bytes(head)["From"])
    assert address == "paul@example.org"
    assert str(make_header(decode_header(shown))) == normal(name)
    new = message_from_bytes(head, policy=policy.default)["From"]
    # New readers put blanks between the encoded words of a name.
    whole = len(name.encode()) <= 39
    assert not whole or new.addresses == (Address(normal(name), addr_spec=address),)


@given(SUBJECTS)
def test_an_encoded_word_has_at_most_seventy_five_characters(subject: str) -> None:
    words = [word for word in header_text(subject).split() if word.startswith(b"=?")]
    assert all(len(word) <= 75 for word in words)


@given(SUBJECTS)
@example("é" * 30)
@example("0 000" + "¡" * 21 + " 0000" + "¡" * 21)
def test_a_subject_line_with_an_encoded_word_has_at_most_seventy_six_characters(
    subject: str,
) -> None:
    """RFC 2047 section 2 counts the field's name too."""
    field = b"Subject: " + header_text(subject)
    assert lines_end_properly(field)
    assert all(len(line) <= 76 for line in field.split(b"\r\n"))


@settings(max_examples=500)
@given(BODIES)
@example("a\r\nb\rc\nd\r\n\r\n")
@example("trailing blanks \t \nmore ")
def test_a_body_is_decoded_as_it_was_written(body: str) -> None:
    expected = body.replace("\r\n", "\n").replace("\r", "\n")
    part = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
    message = message_from_bytes(part + b"\r\n\r\n" + quoted(body), policy=policy.default)
    assert quopri.decodestring(quoted(body)).decode().replace("\r\n", "\n") == expected
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().replace("\r\n", "\n") == expected


@settings(max_examples=500)
@given(BODIES, BODIES, BODIES)
def test_a_value_is_decoded_unchanged_whatever_surrounds_it(
    before: str, value: str, after: str
) -> None:
    def normal_ends(text: str) -> str:
        return text.replace("\r\n", "\n").replace("\r", "\n")

    data = quoted(f"{before}|") + quoted_value(value) + quoted(f"|{after}")
    start, end = f"{normal_ends(before)}|", f"|{normal_ends(after)}"
    read = quopri.decodestring(data.replace(b"\r\n", b"\n")).decode()
    assert normal_ends(read) == start + normal_ends(value) + end


@pytest.mark.parametrize("character", ["a", "é", "=", " "])
def test_long_lines_are_broken_correctly(character: str) -> None:
    for length in (75, 76, 77, 200):
        text = character * length
        for data in (quoted(text), quoted_value(text), quoted(f"{text}\n{text}")):
            assert lines_end_properly(data)
            assert all(len(line) <= 76 for line in data.split(b"\r\n"))


def test_a_value_after_a_full_line_does_not_lengthen_it() -> None:
    data = quoted("a" * 76) + quoted_value("b")
    assert all(len(line) <= 76 for line in data.split(b"\r\n"))


@settings(max_examples=300)
@given(BODIES, BODIES)
def test_lines_are_short_and_end_correctly_around_any_value(body: str, value: str) -> None:
    data = quoted(body) + quoted_value(value) + quoted(body)
    assert lines_end_properly(data)
    assert all(len(line) <= 76 for line in data.split(b"\r\n"))
