"""What a PDF contains besides pages to read: scripts, programs, forms, embedded files.

A guide is opened by everyone who requested it, and nothing in it has a reason to act.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nurture.rendering.sandbox import answer_apart, ask_apart

_MODULE = "nurture.rendering.pdf_contents"

#: Dictionary entries that make something act (ISO 32000-2 §7.7.4, §12.6, §12.7, §13).
_ACTING = {
    "/JS": "a script",
    "/JavaScript": "a script",
    "/Launch": "a program to start",
    "/SubmitForm": "a form that sends what is typed into it",
    "/ImportData": "a form that takes data in",
    "/XFA": "a form with scripts",
    "/GoToR": "a way into another file",
    "/GoToE": "a way into another file",
    "/EmbeddedFiles": "another file",
    "/EmbeddedFile": "another file",
    "/RichMedia": "a film or a game",
    "/Movie": "a film",
    "/Sound": "a sound",
    "/3D": "a scene to walk through",
}

#: Names that say what kind a dictionary is, or what its action does.
_KINDS = ("/S", "/Type", "/Subtype")

#: How deeply one object is examined; anything it refers to is an object of its own.
_DEEPEST = 50


def find_acting(path: Path) -> list[str] | None:
    """Describe the active contents of a PDF, each once; `None` if it cannot be examined."""
    answer = ask_apart(_MODULE, os.fsencode(path.absolute()))
    return None if answer is None else answer["acting"]


def _answer(question: bytes) -> dict[str, Any]:
    # Only this process needs it, and loading it takes a moment.
    from pypdf import PdfReader

    with open(os.fsdecode(question), "rb") as file:
        reader = PdfReader(file, strict=False)
        if reader.is_encrypted:
            reader.decrypt("")
        found = {said for one in _objects(reader) for said in _acting_in(one, _DEEPEST)}
    return {"acting": sorted(found)}


def _objects(reader: Any) -> Iterator[Any]:
    """Yield every object of the file, including those in object streams and the trailer."""
    from pypdf.generic import IndirectObject

    yield reader.trailer
    numbers = {(number, generation) for generation, ids in reader.xref.items() for number in ids}
    for number, generation in numbers | {(number, 0) for number in reader.xref_objStm}:
        yield reader.get_object(IndirectObject(number, generation, reader))


def _acting_in(one: Any, depth: int) -> Iterator[str]:
    if depth and isinstance(one, dict):
        for key, value in dict.items(one):
            if key in _ACTING:
                yield _ACTING[key]
            named = value.get_object() if key in _KINDS and hasattr(value, "get_object") else value
            if key in _KINDS and isinstance(named, str) and named in _ACTING:
                yield _ACTING[named]
            yield from _acting_in(value, depth - 1)
    elif depth and isinstance(one, list):
        for value in list.__iter__(one):
            yield from _acting_in(value, depth - 1)


if __name__ == "__main__":
    answer_apart(_answer)
