"""Numbers as browsers send them."""


def whole_number(said: str) -> int | None:
    """A number that a row may have, or None: not a sign, no other script's digits, no novel."""
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else None
