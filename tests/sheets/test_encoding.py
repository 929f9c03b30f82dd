"""The encoding of a text is guessed so that its names are names."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.sheets.encoding import encoding_of


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Müller;Jürgen;j@example.de\nGroß;Käthe\n", "cp1252"),
        ("José,Núñez,a@example.es\n", "cp1252"),
        ("Hélène Lefèvre\nFrançois\n", "cp1252"),
        ("O’Brien – friend,£20\n", "cp1252"),
        ("MÜLLER;JÜRGEN\n", "cp1252"),
        ("Sørensen,Åse\n", "cp1252"),
        ("Zoë,z@example.org\n", "cp1252"),
        ("£20 paid\n", "cp1252"),
        ("Łukasz;Woźniak\nZażółć;Gęślą\n", "cp1250"),
        ("Žižka;Jiří\n", "cp1250"),
        ("Kovács Őrs\nTűzoltó\n", "cp1250"),
        ("Müller;Jürgen;j@example.de\nGroß;Käthe\n", "mac_roman"),
        ("José,Núñez,a@example.es\n", "mac_roman"),
        ("Hélène Lefèvre\nFrançois\n", "mac_roman"),
        ("O’Brien,“Bob”\n", "mac_roman"),
        ("Zoë,z@example.org\n", "mac_roman"),
        ("Zoë,z@example.org\n", "utf-8"),
        ("Zoë,z@example.org\n", "utf-8-sig"),
        ("Zoë,z@example.org\n", "utf-16"),
        ("Zoë,z@example.org\n", "utf-16-be"),
        ("Мария,m@example.org\n", "utf-8"),
    ],
)
def test_names_are_read_as_they_were_written(text: str, encoding: str) -> None:
    content = text.encode(encoding)
    assert content.decode(encoding_of(BytesIO(content))) == text


@given(st.binary(max_size=200))
def test_any_bytes_have_some_encoding(content: bytes) -> None:
    assert isinstance(content.decode(encoding_of(BytesIO(content)), errors="replace"), str)


def test_a_letter_far_behind_the_beginning_counts() -> None:
    content = b"a" * 200_000 + "ü".encode()
    assert encoding_of(BytesIO(content)) == "utf-8"
    assert encoding_of(BytesIO(content[:-1] + b"\xff")) != "utf-8"
