"""Addresses and Message-IDs in what mail servers write."""

import re
from collections.abc import Iterable
from email.utils import parseaddr

#: More of either than any mail about one email has.
_MOST = 40

#: The left side of a Message-ID of ours, however a relay punctuates it.
_MESSAGE_ID = re.compile(r"(?<![\w.-])(\d{1,18})[.-]([0-9a-fA-F]{24})(?![0-9a-zA-Z])")

_ADDRESS = re.compile(
    r"(?<![\w.+=-])([A-Za-z0-9_.+=!#$%&'*/?^`{|}~\u0080-\uffff-]{1,64}"
    r"@[A-Za-z0-9\u0080-\uffff-]{1,63}(?:\.[A-Za-z0-9\u0080-\uffff-]{1,63}){1,8})"
)

#: Who speaks for a mail server rather than for a person.
_OF_A_SERVER = re.compile(
    r"^(mailer-?daemon|mail-?daemon|maildaemon|mdaemon|post-?master|daemon|microsoftexchange[0-9a-f]+"
    r"|mail-?delivery\S*|bounces?([+=._-]\S*)?|mailsystem|mail-?administrator|smtp-?gateway|quarantine)"
    r"(\+\S*)?$",
    re.IGNORECASE,
)

#: Addresses that a report gives for questions, which it does not mean by a recipient.
_FOR_QUESTIONS = re.compile(
    r"^(abuse|admin\w*|help-?desk|help|info|it|noc|no-?reply|donotreply|do-not-reply|support|security"
    r"|servicedesk|hostmaster|webmaster|root|staff)$",
    re.IGNORECASE,
)

_SYSTEM_NAME = re.compile(
    r"mail(er)?[ -]?(daemon|delivery|administrator|server|router|system)"
    r"|delivery (system|subsystem)|postmaster|system administrator",
    re.IGNORECASE,
)


def message_ids_in(texts: Iterable[str]) -> tuple[str, ...]:
    """Return what may be the left sides of our Message-IDs, in order, each once."""
    found: dict[str, None] = {}
    for text in texts:
        for number, code in _MESSAGE_ID.findall(text):
            found.setdefault(f"{number}.{code.lower()}")
            if len(found) >= _MOST:
                return tuple(found)
    return tuple(found)


def addresses_in(text: str) -> tuple[str, ...]:
    """Return the addresses in a text, in order, each once and without a full stop at its end."""
    found: dict[str, None] = {}
    for address in _ADDRESS.findall(text):
        found.setdefault(address.strip(".'`"))
        if len(found) >= _MOST:
            break
    return tuple(found)


def recipients_in(text: str) -> tuple[str, ...]:
    """Return the addresses in a text that may be recipients."""
    return tuple(
        one
        for one in addresses_in(text)
        if not message_ids_in([one])
        and not is_of_a_server(one)
        and not _FOR_QUESTIONS.match(one.partition("@")[0])
    )


def is_of_a_server(address: str) -> bool:
    """Return whether an address speaks for a mail server, as `MAILER-DAEMON@…` does."""
    return bool(_OF_A_SERVER.match(address.partition("@")[0]))


def is_from_a_server(header: str) -> bool:
    """Return whether a `From` header names a mail server rather than a person."""
    name, address = parseaddr(header)
    plain = address or header.strip()
    return is_of_a_server(plain) or bool(_SYSTEM_NAME.search(name))


def address_of(header: str) -> str:
    """Return the address in a header, or an empty string."""
    address = parseaddr(header)[1]
    return address if "@" in address else ""
