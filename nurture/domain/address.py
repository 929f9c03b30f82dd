"""Addresses as the program compares and shows them."""

from unicodedata import category, normalize


def address_key(address: str) -> str:
    """The form of an address under which it is looked up: one person, one key.

    Mailbox names are case-sensitive by RFC 5321 §2.4, but no provider treats them
    so, and a person who types their own address differently twice is one person.
    """
    return address.strip().casefold()


def masked(address: str) -> str:
    """An address that its owner recognises and nobody else learns: `p•••@example.org`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}•••@{domain}"


def plain_first_name(text: str | None) -> str:
    """A first name that is safe to print in a mail, or an empty string.

    Whoever fills in a form may type anything for anybody's address, so only what
    looks like a name gets into a mail: letters of any script with their marks, inner
    spaces, hyphens, apostrophes, a full stop at the end; at most forty characters.
    """
    name = normalize("NFC", " ".join((text or "").split()))
    allowed = all(c in " -'’." or category(c)[0] in "LM" for c in name)
    looks_like_a_name = allowed and len(name) <= 40 and "." not in name.rstrip(".")
    return name if looks_like_a_name else ""


def first_word(name: str | None) -> str:
    """The first word of a full name, for forms that ask for one field only."""
    return next(iter((name or "").split()), "")
