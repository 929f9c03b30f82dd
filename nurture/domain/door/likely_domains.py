"""Slips in the domain of an address: “Did you mean anna@gmail.com?”.

Only a slip away from a very common domain is asked about, and never a domain that is known itself.
It is a question and no more: every address that can exist is accepted.
"""

from collections.abc import Iterator

#: The domains of most private addresses in Britain and around it, the most common first.
COMMON = (
    *("gmail.com", "hotmail.com", "hotmail.co.uk", "yahoo.co.uk", "yahoo.com", "outlook.com"),
    *("icloud.com", "live.co.uk", "live.com", "btinternet.com", "googlemail.com", "aol.com"),
    *("sky.com", "msn.com", "me.com", "mac.com", "virginmedia.com", "talktalk.net"),
    *("ntlworld.com", "blueyonder.co.uk", "tiscali.co.uk", "protonmail.com", "proton.me"),
    *("ymail.com", "rocketmail.com", "fastmail.com", "gmx.com", "gmx.co.uk", "mail.com"),
    *("plusnet.com", "orange.net", "outlook.co.uk"),
)

#: Other domains of mail providers that differ from a common one by a letter or two.
_ALSO_KNOWN = frozenset(
    {
        *("email.com", "gmx.net", "gmx.de", "web.de", "zoho.com", "zohomail.com", "tutamail.com"),
        *("fastmail.fm", "mail.co.uk", "email.co.uk", "postmail.com", "inbox.com", "usa.com"),
        *("mailo.com", "aim.com", "hey.com", "pm.me", "orange.com", "cloud.com"),
    }
)

_KNOWN = frozenset(COMMON) | _ALSO_KNOWN

#: The most slips together in a domain.
_MOST = 2


def did_you_mean(address: str) -> str:
    """Return the address with the common domain that was probably meant, or "" if none was."""
    local, _, domain = address.rpartition("@")
    typed = domain.lower()
    if not local or typed in _KNOWN:
        return ""
    found = [(slips, meant) for meant in COMMON if (slips := _slips(typed, meant))]
    return f"{local}@{min(found, key=lambda one: one[0])[1]}" if found else ""


def _slips(typed: str, meant: str) -> int:
    """Return how many slips lead from a common domain to what was typed; 0 if that is unlikely."""
    name, _, ending = typed.partition(".")
    meant_name, _, meant_ending = meant.partition(".")
    if name == meant_name and len(ending) == len(meant_ending) == 2:
        return 0  # The same name in another country is a domain of its own.
    in_name, in_ending = _distance(name, meant_name), _distance(ending, meant_ending)
    likely = in_name <= _most_in(meant_name) and in_ending <= 1
    return in_name + in_ending if likely and in_name + in_ending <= _MOST else 0


def _most_in(name: str) -> int:
    """Return how many slips a name may have: one letter from a short name is another name."""
    return 0 if len(name) < 5 else 1 if len(name) == 5 else _MOST


def _distance(one: str, other: str) -> int:
    """Count the letters added, left out, replaced, or swapped with a neighbour."""
    if abs(len(one) - len(other)) > _MOST:
        return _MOST + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, start=1):
        before, row = row, list(_next_row(one, other, number, letter, before, row))
    return row[-1]


def _next_row(
    one: str, other: str, number: int, letter: str, before: list[int], row: list[int]
) -> Iterator[int]:
    """Yield a row of the table of optimal string alignment, given the two rows above."""
    left = number
    yield left
    for at, wanted in enumerate(other, start=1):
        best = min(left + 1, row[at] + 1, row[at - 1] + (letter != wanted))
        swapped = min(number, at) > 1 and letter == other[at - 2] and one[number - 2] == wanted
        if swapped:
            best = min(best, before[at - 2] + 1)
        left = best
        yield left
