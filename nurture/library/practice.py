"""Reading `practice.toml`, and checking whether emails can be sent with each fact in it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from unicodedata import category

from nurture.addresses import AddressError, plain_mailbox, plain_page
from nurture.domain.practice import Practice
from nurture.library.reading import LibraryError, expect, expect_texts, read_toml, time_zones
from nurture.library.rhythm import take_rhythm

#: The facts without which no email can be sent.
NEEDED = frozenset(
    {"name", "owner", "address", "email", "website_url"}
    | {"sender_name", "sender_address", "reply_to"}
)
_NO_TEXTS = frozenset({"address", "rhythm", "link_utm"})
_MAILBOXES = frozenset({"email", "sender_address", "reply_to"})
_SOURCE = re.compile(r"[a-z0-9_-]{1,40}")
_PAGES = frozenset({"website_url", "blog_url", "booking_url", "privacy_url"})

#: Facts that an email's head contains or links to; the others are only read.
_USED: Mapping[str, Callable[[str], str]] = {
    **dict.fromkeys(("sender_address", "reply_to"), plain_mailbox),
    **dict.fromkeys(_PAGES, plain_page),
}


def parse_practice(toml: str, place: str = "practice.toml") -> Practice:
    """Read the practice's own facts; raise `LibraryError` naming the field.

    International domains are read in the form that emails carry. A fact that cannot be right is
    read anyway, because it may have been published: `refuse_slips` finds it. If no email can
    carry the reply address, replies go to the sender.
    """
    values = read_toml(toml, place)
    expect(values, "address", list, place)
    expect_texts(values, {f.name for f in fields(Practice)} - _NO_TEXTS, place)
    if not isinstance(values.get("link_utm", False), bool):
        raise LibraryError(f"{place}: link_utm must be true or false.", remedy="Write no quotes.")
    lines = (" ".join(str(line).split()) for line in values["address"])
    values["address"] = tuple(line for line in lines if line)
    rhythm = take_rhythm(values, place)
    if values.get("time_zone", "Europe/London") not in time_zones():
        raise LibraryError(f"{place}: time_zone is not known.", remedy="Write “Europe/London”.")
    try:
        return _as_mails_carry_it(Practice(**values, rhythm=rhythm))
    except TypeError as error:
        raise LibraryError(
            f"{place}: {str(error).partition(' ')[2]}.", remedy="Compare it with the shipped file."
        ) from None


def refuse_slips(toml: str, place: str = "practice.toml") -> None:
    """Raise `LibraryError` if any facts cannot be right, with the line of each."""
    said = read_facts(toml, place)
    slips = practice_slips(said)
    if slips:
        raise LibraryError(
            "\n".join(f"{_place_of(name, toml, place)}: {slip}" for name, slip in slips.items())
        )


def read_facts(toml: str, place: str = "practice.toml") -> dict[str, str]:
    """Return the facts as written; each line of the postal address is on a line of its own.

    A switch that is on is `yes`, and otherwise empty.
    """
    practice, values = parse_practice(toml, place), read_toml(toml, place)
    names = [f.name for f in fields(Practice) if f.name not in _NO_TEXTS]
    facts = {name: str(values.get(name, getattr(practice, name))) for name in names}
    lines = [str(line) for line in values["address"]]
    facts |= {"link_utm": "yes" if practice.link_utm else ""}
    return facts | {"address": "\n".join(line for line in lines if line.strip())}


def practice_slips(facts: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with a practice's facts, by fact; empty if all can be used.

    A fact that passes can be put into any email and read from it again.
    """
    return {name: slip for name, text in facts.items() if (slip := _slip(name, text))}


def _slip(name: str, text: str) -> str:
    if not text.strip():
        return "Please fill this in." if name in NEEDED else ""
    lines = text.split("\n") if name == "address" else [text]
    if any(line and line.splitlines() != [line] for line in lines):
        return "Please write it on one line."
    if any(map(_is_reserved, text)):
        return "It holds a character that cannot be printed. Please type it afresh."
    if text != text.strip() and name != "address":
        return "Take out the blanks before and behind it."
    if name == "sender_name" and "=?" in text:
        return "Leave “=?” out; mail programs take it for something else."
    if name == "time_zone" and text not in time_zones():
        return "This time zone is not known. Write “Europe/London”."
    if name == "link_utm_source" and not _SOURCE.fullmatch(text):
        return "Use small letters, digits, hyphens and underscores, at most 40."
    return _address_slip(name, text)


def _address_slip(name: str, text: str) -> str:
    try:
        if name in _MAILBOXES:
            plain_mailbox(text)
        elif name in _PAGES:
            plain_page(text)
    except AddressError as error:
        return error.message
    return ""


def _is_reserved(character: str) -> bool:
    """Return whether a character is a control, is private, or does not exist.

    Programs use private and non-existent characters internally.
    """
    is_none = 0xFDD0 <= ord(character) <= 0xFDEF or ord(character) & 0xFFFE == 0xFFFE
    return is_none or (character != "\n" and category(character) in ("Cc", "Co", "Cs"))


def _as_mails_carry_it(practice: Practice) -> Practice:
    """Return the practice with international addresses in ASCII, if that is possible."""
    changed = {}
    for name, plain in _USED.items():
        written = str(getattr(practice, name))
        if not written.isascii():
            try:
                changed[name] = plain(written)
            except AddressError:
                if name == "reply_to":
                    changed[name] = changed.get("sender_address", practice.sender_address)
    return replace(practice, **changed) if changed else practice  # type: ignore[arg-type]


def _place_of(name: str, toml: str, place: str) -> str:
    """Return where a fact is written: file, line and name; a missing fact has no line."""
    own = re.compile(rf"""\s*["']?{name}["']?\s*=""")
    for number, line in enumerate(toml.split("\n"), 1):
        if own.match(line):
            return f"{place}, line {number}, {name}"
    return f"{place}, {name}"
