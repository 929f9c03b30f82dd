"""Reading a settings file such as `.env`: a line is understood, or refused with its number."""

import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from nurture.domain.errors import NurtureError

_OURS = re.compile(r"[^A-Za-z0-9]*(nurture_\w*)\W*", re.IGNORECASE)
_NAME = re.compile(r"NURTURE_[A-Z0-9_]+")
#: Characters that need no quoting in a line, nor in any program that reads such lines.
_PLAIN = re.compile(r"[A-Za-z0-9_,-]*")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class SettingsError(NurtureError):
    """A setting that cannot be used."""


def read_env_file(path: Path) -> dict[str, str]:
    """Return the settings in a file, or none if it does not exist; values are as written.

    Raise `SettingsError`, naming file and line, for anything that is not `NAME=value` in UTF-8: a
    setting that was silently left out would only be missed when it is too late.
    """
    try:
        text = _text(path.read_bytes(), path.name)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(
            f"{path.name} cannot be read: {error.strerror}.",
            remedy="Make it a file that this user may read.",
        ) from None
    return dict(_settings(text, path.name))


def as_line(name: str, value: str) -> str:
    """Return a setting as a line from which `read_env_file` reads the same value."""
    if not _PLAIN.fullmatch(value):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        value = f"'{escaped}'"
    return f"{name}={value}\n"


def rewritten(text: str, values: Mapping[str, str]) -> str:
    """Return a settings file's text with these values; every other line is unchanged."""
    lines, left = [], dict(values)
    for binding in parse_stream(StringIO(text)):
        if binding.key not in values:
            lines.append(binding.original.string)
        elif binding.key in left:
            lines.append(as_line(binding.key, left.pop(binding.key)))
    kept = "".join(lines)
    between = "" if kept.endswith("\n") or not kept else "\n"
    return kept + between + "".join(as_line(*setting) for setting in left.items())


def _text(content: bytes, file: str) -> str:
    if content.startswith(_UTF_16) or b"\0" in content:
        raise SettingsError(f"{file}, line 1: it is saved as UTF-16.", remedy="Save it as UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(
            f"{file}, line {line}: a letter is not in UTF-8.", remedy="Save the file as UTF-8."
        ) from None


def _settings(text: str, file: str) -> Iterator[tuple[str, str]]:
    seen: dict[str, Binding] = {}
    for binding in parse_stream(StringIO(text)):
        place = f"{file}, line {_line(binding)}"
        if binding.error or (binding.key and _is_unreadable(binding)):
            raise SettingsError(f"{place}: {_why(binding)}", remedy="Write NAME=value.")
        if binding.key is None or not (ours := _OURS.fullmatch(binding.key)):
            continue
        if not _NAME.fullmatch(binding.key):
            raise SettingsError(
                f"{place}: “{binding.key.strip()}” is not how a setting is written.",
                remedy=f"Write {ours[1].upper()}.",
            )
        first = seen.setdefault(binding.key, binding)
        if first.value != binding.value:
            raise SettingsError(
                f"{place}: {binding.key} is there already, on line {_line(first)}.",
                remedy="Take one of them out.",
            )
        yield binding.key, binding.value or ""


def _is_unreadable(binding: Binding) -> bool:
    """Return whether a line is one of our names without a value, or a value on several lines.

    No setting has such a value.
    """
    is_ours = _OURS.fullmatch(binding.key or "") is not None
    return (binding.value is None and is_ours) or "\n" in binding.original.string.strip()


def _why(binding: Binding) -> str:
    written = binding.original.string
    name, equals, value = written.partition("=")
    if equals and value.lstrip()[:1] in ("'", '"'):
        return f"the quotation mark behind {name.strip()[:40]}= does not end where the line does."
    return "this is neither a setting nor a comment."


def _line(binding: Binding) -> int:
    """Return a setting's line; the reader counts the blank lines before it as part of it."""
    string = binding.original.string
    return binding.original.line + string[: len(string) - len(string.lstrip())].count("\n")
