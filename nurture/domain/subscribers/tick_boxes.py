"""What the boxes beside a form say, in the many ways in which websites send a ticked box.

What cannot be understood never counts as consent: it is named, so that the owner can be informed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from unicodedata import normalize

from nurture.domain.subscribers.consent import MARKETING, OWN_WORDINGS, Purpose

_YES = frozenset({"on", "true", "1", "yes", "y", "checked", "ticked", "selected"})
_NO = frozenset(
    {"", "off", "false", "0", "no", "n", "unchecked", "unticked", "null", "none", "undefined"}
)

#: Limits on what is examined: far more boxes than a form has, far longer than a label.
_MOST, _LONGEST, _DEEPEST = 20, 1000, 3

#: The separators of several boxes in one text.
_BETWEEN = re.compile(r"[,;|\n]+")

#: A single word may be shown to the owner; anything a visitor could have typed may not.
_WORD = re.compile(r"[^\W\d][\w-]{0,29}")


@dataclass(frozen=True, slots=True)
class Ticks:
    """The purposes whose boxes were ticked, and a description of each box not understood.

    `wordings` are those of the boxes that were named by their whole wording, which is therefore
    what the visitor read.
    """

    purposes: tuple[Purpose, ...] = ()
    not_understood: tuple[str, ...] = ()
    wordings: Mapping[Purpose, str] = field(default_factory=dict)


def read_ticks(sent: object) -> Ticks:
    """Read what a form sent for its boxes: texts, lists, objects, or nothing at all.

    A box counts if it is named: by its purpose (`tracking`), by its wording, or as the name of a
    tick (`{"tracking": "on"}`). A tick that does not say what it is for is not consent.
    """
    read = list(islice(_read(sent, _DEEPEST), _MOST))
    purposes = dict.fromkeys(one for one in read if isinstance(one, Purpose))
    odd = dict.fromkeys(one for one in read if not isinstance(one, Purpose))
    shown = set(islice(_shown(sent, _DEEPEST), _MOST))
    wordings = {one: OWN_WORDINGS[one] for one in purposes if one in shown}
    return Ticks(tuple(purposes), tuple(odd), wordings)


def _shown(sent: object, deepest: int) -> Iterator[Purpose]:
    """Yield the purposes that are named by their whole wording, ticked or not."""
    if isinstance(sent, str):
        purpose = _BY_WORDING.get(_plain(sent[:_LONGEST]))
        yield from [purpose] if purpose else []
    elif isinstance(sent, Mapping) and deepest:
        for name, value in islice(sent.items(), _MOST):
            yield from _shown(str(name), 0)
            yield from _shown(value, deepest - 1)
    elif isinstance(sent, Iterable) and deepest:
        for one in islice(sent, _MOST):
            yield from _shown(one, deepest - 1)


def _read(sent: object, deepest: int) -> Iterator[Purpose | str]:
    if isinstance(sent, str):
        yield from _read_text(sent[:_LONGEST])
    elif isinstance(sent, Mapping) and deepest:
        for name, value in islice(sent.items(), _MOST):
            yield from _read_named(str(name), value, deepest - 1)
    elif isinstance(sent, Iterable) and deepest:
        for one in islice(sent, _MOST):
            yield from _read(one, deepest - 1)
    elif _says(sent) is not False:
        yield _named(sent)


def _read_text(text: str) -> Iterator[Purpose | str]:
    """Read one box, or several separated by commas or blanks; a sentence is never split."""
    parts = [part for part in _BETWEEN.split(text) if part.strip()]
    words = text.split()
    if (purpose := _purpose(text)) or _says(text) is False:
        yield from [purpose] if purpose else []
    elif all(map(_purpose, words)):
        yield from filter(None, map(_purpose, words))
    elif any(map(_purpose, parts)) and not any(map(_is_sentence, parts)):
        for part in parts:
            yield from _read_text(part)
    else:
        yield _named(text)


def _is_sentence(part: str) -> bool:
    """Return whether a part is a sentence that is not the wording of a box, or says no."""
    return _says(part) is False or (len(part.split()) > 1 and _purpose(part) is None)


def _read_named(name: str, value: object, deepest: int) -> Iterator[Purpose | str]:
    """Read a box with a name of its own, or a list entry whose name is its index."""
    purpose = _purpose(name)
    if purpose is None and name.strip().isdecimal():
        yield from _read(value, deepest)
    elif purpose and _is_ticked(value, purpose):
        yield purpose
    elif not _is_blank(value):
        yield _named(name)


def _is_ticked(value: object, purpose: Purpose) -> bool:
    if isinstance(value, list | tuple):  # A hidden field may say no before the box itself.
        return any(_is_ticked(one, purpose) for one in value[:_MOST])
    said = _says(value)
    return said is True or (isinstance(value, str) and _purpose(value) is purpose)


def _is_blank(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_blank, value[:_MOST]))
    return value == {} or _says(value) is False


def _says(value: object) -> bool | None:
    """Return `True` for yes, `False` for no, and `None` for neither."""
    plain = "" if value is None else _plain(str(value)[:_LONGEST])
    return True if plain in _YES else False if plain in _NO else None


def _purpose(text: str) -> Purpose | None:
    """Return the purpose that a text names, by its key or by the whole wording of its box."""
    return _KNOWN.get(_plain(text))


def _plain(text: str) -> str:
    """Return a text without insignificant differences: capitals, kinds of blanks, a full stop."""
    words = normalize("NFKC", text).casefold().replace("_", " ").replace("-", " ").split()
    return " ".join(words).rstrip(".")


def _named(sent: object) -> str:
    """Describe what was sent, quoting nothing that a person could have typed."""
    text = str(sent).strip() if isinstance(sent, str | bool | int | float) else ""
    if _WORD.fullmatch(text) or _plain(text) in _YES:
        return f"“{text}”"
    if isinstance(sent, str):
        return f"a text of {len(sent.split())} words" if len(sent.split()) > 1 else "a text"
    return "a number" if isinstance(sent, int | float) else "something that is no text"


_BY_WORDING: Mapping[str, Purpose] = {
    _plain(wording): purpose for purpose, wording in OWN_WORDINGS.items()
}
_KNOWN: Mapping[str, Purpose] = {
    MARKETING: Purpose.SERIES,
    **{_plain(purpose): purpose for purpose in Purpose},
    **_BY_WORDING,
}
