"""Small PDFs for tests: whole ones, and ones that hold what a guide must not."""

import io

from pypdf import PdfWriter
from pypdf.annotations import Link
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)


def a_pdf(title: str = "a guide") -> bytes:
    """A whole PDF of one empty page, told from others by its title."""
    writer = _writer()
    writer.add_metadata({"/Title": title})
    writer.add_annotation(0, Link(rect=(0, 0, 9, 9), url="https://example.org/"))
    return _written(writer)


def with_script() -> bytes:
    """One that runs a script when it is opened."""
    writer = _writer()
    script = {
        NameObject("/S"): NameObject("/JavaScript"),
        NameObject("/JS"): TextStringObject("app.alert('hello')"),
    }
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(script)
    return _written(writer)


def with_hidden_script() -> bytes:
    """One whose script stands in a compressed stream of objects, behind a list."""
    writer = _writer()
    action = DictionaryObject(
        {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("x()")}
    )
    writer.root_object[NameObject("/Odd")] = writer._add_object(
        ArrayObject([ArrayObject([NumberObject(1), action])])
    )
    return _written(writer)


def with_program() -> bytes:
    """One that starts a program."""
    writer = _writer()
    launch = {NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("calc")}
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(launch)
    return _written(writer)


def with_program_elsewhere() -> bytes:
    """One that names by an object of its own what it starts."""
    writer = _writer()
    name = writer._add_object(NameObject("/Launch"))
    launch = {NameObject("/S"): name, NameObject("/F"): TextStringObject("calc")}
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(launch)
    return _written(writer)


def with_file() -> bytes:
    """One that carries another file."""
    writer = _writer()
    writer.add_attachment("prices.exe", b"MZ")
    return _written(writer)


def _writer() -> PdfWriter:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    return writer


def _written(writer: PdfWriter) -> bytes:
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
