"""Addresses that look like a slip of the finger in the domain of a large mailbox provider.

A hint only: people do have strange domains, so nothing is ever changed without the owner.
"""

import re
from functools import lru_cache

_DOMAIN = re.compile(r"\S+")

#: Domains of mailboxes that many people in the UK and elsewhere have, and slip in.
COMMON = frozenset(
    _DOMAIN.findall(
        "gmail.com googlemail.com hotmail.com hotmail.co.uk hotmail.fr hotmail.de hotmail.it "
        "outlook.com outlook.de outlook.fr yahoo.com yahoo.co.uk yahoo.fr yahoo.de yahoo.ie "
        "rocketmail.com icloud.com btinternet.com btopenworld.com talktalk.net virginmedia.com "
        "ntlworld.com blueyonder.co.uk tiscali.co.uk live.co.uk protonmail.com fastmail.com "
        "comcast.net verizon.net web.de t-online.de orange.fr wanadoo.fr libero.it plus.com "
        "freenet.de laposte.net bigpond.com eircom.net"
    )
)

#: Real domains that are near one of these, or are too short to tell a slip from a name.
REAL = frozenset(
    _DOMAIN.findall(
        "mail.com email.com gmx.com gmx.de gmx.net gmx.co.uk gmx.at gmx.ch ymail.com hotmail.co "
        "hotmail.ch hotmail.be hotmail.es hotmail.nl hotmail.se hotmail.no outlook.co "
        "outlook.ie outlook.es outlook.it outlook.pt outlook.at yahoo.co yahoo.ca yahoo.it "
        "yahoo.es yahoo.in yahoo.co.in yahoo.co.nz yahoo.co.jp yahoo.co.za yahoo.com.au "
        "yahoo.com.br yahoo.no yahoo.se yahoo.gr live.com live.fr live.nl live.ie live.de "
        "me.com mac.com msn.com aol.com aol.co.uk sky.com bt.com o2.co.uk uwclub.net proton.me "
        "pm.me tutanota.com zoho.com hey.com inbox.com usa.com post.com fastmail.fm "
        "fastmail.co.uk cox.net att.net ail.com gmail.de tmail.com orange.net free.fr sfr.fr "
        "web.com plus.net orange.es rocketmail.co.uk freenet.com"
    )
)

#: In a short name, two slips make any name of any other.
_LONG = 10


def likely_address(address: str) -> str | None:
    """Return the address that may have been meant, or `None` if the domain looks as it should."""
    mailbox, at, domain = address.rpartition("@")
    domain = domain.lower()
    if not at or domain in COMMON or domain in REAL or not domain.isascii():
        return None
    near = [(distance(domain, one), one) for one in COMMON if _may_be_near(domain, one)]
    slips, meant = min(near, default=(9, ""))
    return f"{mailbox}@{meant}" if slips <= (2 if len(meant) >= _LONG else 1) else None


def _may_be_near(domain: str, other: str) -> bool:
    """Return whether a comparison is worth it; names of few letters have too many neighbours."""
    is_long_enough = len(other.partition(".")[0]) >= 5
    return is_long_enough and abs(len(domain) - len(other)) <= 2 and _share_letters(domain, other)


def _share_letters(one: str, other: str) -> bool:
    """Return whether two slips can be all: each brings in one letter and takes one out at most."""
    return len(_letters(one) ^ _letters(other)) <= 4


@lru_cache(maxsize=1000)
def _letters(domain: str) -> frozenset[str]:
    return frozenset(domain)


def distance(one: str, other: str) -> int:
    """Return how many letters must be put in, left out, changed or swapped with a neighbour.

    This is the optimal string alignment distance.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, against in enumerate(other, 1):
            cost = before[j - 1] + (letter != against)
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(min(cost, before[j] + 1, row[j - 1] + 1))
    return row[-1]
