"""Changing where people go on after the end of a sequence, preserving comments."""

from collections.abc import Sequence

import tomlkit

from nurture.domain.sequences.sequence import Continuation
from nurture.library.reading import read_document


def with_endings(toml: str, endings: Sequence[Continuation]) -> str:
    """Return a sequence with these `[[then]]` tables, in this order.

    Raise `LibraryError` if the document cannot be read.
    """
    document = read_document(toml)
    kept = list(document.get("then", []))[: len(endings)]
    tables = kept + [tomlkit.table() for _ in endings[len(kept) :]]
    for table, ending in zip(tables, endings, strict=True):
        table["sequence"] = ending.sequence
        table.pop("only_if", None)
        if ending.only_if:
            table["only_if"] = ending.only_if
    if "then" not in document and not tables:
        return toml
    document.pop("then", None)
    if tables:
        placed = tomlkit.aot()
        for table in tables:
            placed.append(table)
        document["then"] = placed
    return tomlkit.dumps(document).rstrip("\n") + "\n"
