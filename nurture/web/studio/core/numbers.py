"""Parsing numbers sent by browsers."""


def whole_number(said: str) -> int | None:
    """Return a number that a row may have, or None; only a few ASCII digits are accepted."""
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else None
