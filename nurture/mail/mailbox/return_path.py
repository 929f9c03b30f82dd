"""The address that an email's reports come back to, if it is to say which email it was (VERP)."""

import re
from dataclasses import dataclass

from nurture.tokens import TokenRefusedError, Tokens

#: A number and its code, as in the left side of a Message-ID, which survives any change of case.
_SIGNED = re.compile(r"\+(\d{1,18}\.[0-9a-f]{24})$")


@dataclass(frozen=True)
class ReturnPaths:
    """The envelope senders of emails: `bounces+17.code@practice.example` for message 17.

    Without a `bounce_address` they are all the practice's own.
    """

    tokens: Tokens
    bounce_address: str = ""

    def of(self, message: int, otherwise: str, *, marked: bool = True) -> str:
        """Return the envelope sender of a message; `otherwise` if no address is set for it."""
        if not self.bounce_address:
            return otherwise
        name, _, domain = self.bounce_address.rpartition("@")
        return f"{name}+{message}.{self.tokens.message_code(message, marked)}@{domain}"

    def read(self, address: str) -> int | None:
        """Return the message whose envelope sender an address is; `None` if it is no one's."""
        signed = _SIGNED.search(address.lower().rpartition("@")[0])
        if signed is None or not self.bounce_address:
            return None
        try:
            return self.tokens.read_message_id(signed[1])
        except TokenRefusedError:
            return None

    def is_one(self, address: str) -> bool:
        """Return whether an address is the one for reports, whatever message it names."""
        ours = self.bounce_address.lower().rpartition("@")
        name, _, domain = address.lower().rpartition("@")
        return bool(self.bounce_address) and (name.partition("+")[0], domain) == (ours[0], ours[2])
