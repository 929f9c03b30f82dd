"""Addresses as the program compares and shows them."""

import re
from string import whitespace
from unicodedata import normalize

#: The prefix in the DNS of a label with non-ASCII letters (RFC 5890 §2.3.2.1).
_ACE = "xn--"

#: What may follow a domain without being part of it.
_END = f".{whitespace}"

#: The @-sign as East Asian keyboards type it.
_WIDE_AT = re.compile("[＠﹫]")


def address_key(address: str) -> str:
    """Return the form of an address under which it is looked up: one person, one key.

    Mailbox names are case-sensitive by RFC 5321 §2.4, but no provider treats them that way, and a
    person who types their own address in two ways is one person. A domain is written as the DNS
    knows it, however it was spelt.
    """
    mailbox, at, domain = _WIDE_AT.sub("@", address.strip()).rpartition("@")
    return f"{mailbox.casefold()}{at}{domain_key(domain)}"


def address_keys(address: str) -> tuple[str, ...]:
    """Return every key that rows about an address may be stored under, the current one first.

    Keys used to keep a domain as it was spelt, and rows written under them remain.
    """
    key = address_key(address)
    mailbox, at, domain = key.rpartition("@")
    earlier = (address.strip().casefold(), f"{mailbox}{at}{domain_in_letters(domain)}".casefold())
    return tuple(dict.fromkeys((key, *(one for one in earlier if _same_domain(one, domain)))))


def domain_key(domain: str) -> str:
    """Return a domain in lower-case ASCII letters, without a dot at its end.

    Anything that is not ASCII becomes an A-label (RFC 5891 §4.4). Unlike the standard library's
    older IDNA, this leaves “ß” and “ς” unchanged: with them it is another domain.
    """
    if domain.isascii():
        return domain.lower().rstrip(_END)
    small = "".join(c.lower() for c in normalize("NFKC", domain))
    labels = normalize("NFKC", small).replace("。", ".").rstrip(_END).split(".")
    return ".".join(map(_a_label, labels))


def domain_in_letters(domain: str) -> str:
    """Return a domain as people write it; a label that encodes no letters is left unchanged."""
    return ".".join(map(_u_label, domain.split(".")))


def _a_label(label: str) -> str:
    return label if label.isascii() else _ACE + label.encode("punycode").decode("ascii")


def _u_label(label: str) -> str:
    if not label.startswith(_ACE):
        return label
    try:
        letters = label.removeprefix(_ACE).encode("ascii").decode("punycode")
    except ValueError:
        return label
    return letters if _a_label(letters) == label else label


def _same_domain(key: str, domain: str) -> bool:
    """Return whether an earlier key is of this domain; folding made “ß” “ss”, another domain."""
    spelt = key.rpartition("@")[2]
    return not spelt.isascii() or spelt.rstrip(".") == domain


def masked(address: str) -> str:
    """Return an address that its owner recognises and nobody else can read: `p•••@example.org`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}•••@{domain}"
