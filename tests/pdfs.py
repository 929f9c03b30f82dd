"""Small PDFs for tests: good ones, and ones that contain what a guide must not."""

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
    """Return a good PDF of one empty page, identified by its title."""
    writer = _writer()
    writer.add_metadata({"/Title": title})
    writer.add_annotation(0, Link(rect=(0, 0, 9, 9), url="https://example.org/"))
    return _written(writer)


def with_script() -> bytes:
    """Return one that runs a script when it is opened."""
    writer = _writer()
    script = {
        NameObject("/S"): NameObject("/JavaScript"),
        NameObject("/JS"): TextStringObject("app.alert('hello')"),
    }
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(script)
    return _written(writer)


def with_hidden_script() -> bytes:
    """Return one whose script is hidden in a compressed object stream, behind a list."""
    writer = _writer()
    action = DictionaryObject(
        {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("x()")}
    )
    writer.root_object[NameObject("/Odd")] = writer._add_object(
        ArrayObject([ArrayObject([NumberObject(1), action])])
    )
    return _written(writer)


def with_program() -> bytes:
    """Return one that starts a program."""
    writer = _writer()
    launch = {NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("calc")}
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(launch)
    return _written(writer)


def with_program_elsewhere() -> bytes:
    """Return one that names the program to start in a separate object."""
    writer = _writer()
    name = writer._add_object(NameObject("/Launch"))
    launch = {NameObject("/S"): name, NameObject("/F"): TextStringObject("calc")}
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(launch)
    return _written(writer)


def with_file() -> bytes:
    """Return one that contains another file."""
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
