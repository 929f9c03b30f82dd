"""Mailboxes: the several spellings of an address that all arrive in one place.

Some providers document that whatever follows a plus sign is ignored, and Gmail ignores full stops
as well. Other providers may deliver such spellings to different people, so theirs are never folded.
"""

from collections.abc import Mapping
from types import MappingProxyType

from nurture.domain.subscribers.address import address_key

#: Gmail and its name of earlier times are one domain (support.google.com/mail/answer/7436150).
_GMAIL = "gmail.com"
_DOTS_IGNORED: Mapping[str, str] = MappingProxyType({_GMAIL: _GMAIL, "googlemail.com": _GMAIL})

#: The domains that the providers hand out and at which they document the plus sign.
_MICROSOFT = (
    "hotmail.com hotmail.co.uk hotmail.de hotmail.es hotmail.fr hotmail.it live.ca live.co.uk "
    "live.com live.com.au live.de live.fr live.ie live.it live.nl msn.com outlook.at outlook.be "
    "outlook.co.uk outlook.com outlook.com.au outlook.de outlook.es outlook.fr outlook.ie "
    "outlook.it outlook.pt"
)
_OTHERS = (
    "icloud.com mac.com me.com fastmail.com fastmail.fm pm.me proton.me protonmail.com "
    "protonmail.ch mailbox.org posteo.de posteo.net runbox.com hey.com"
)
_PLUS_IGNORED = frozenset(f"{_MICROSOFT} {_OTHERS}".split())


def mailbox_key(address: str) -> str:
    """Return the key of the mailbox that an address belongs to, alike for all of its spellings.

    At a domain that is not known for it, this is the key of the address itself.
    """
    key = address_key(address)
    name, _, domain = key.rpartition("@")
    plain = name.partition("+")[0]
    if domain in _DOTS_IGNORED:
        plain, domain = plain.replace(".", ""), _DOTS_IGNORED[domain]
    elif domain not in _PLUS_IGNORED:
        return key
    return f"{plain}@{domain}" if plain else key


def is_foldable(address: str) -> bool:
    """Return whether an address is a spelling of a mailbox whose key is another one."""
    return mailbox_key(address) != address_key(address)
