"""Reading the emails that the program sent, as an email client and a scanner would."""

import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from html import unescape
from pathlib import Path

_ADDRESS = re.compile(r"""https?://[^\s"'<>]+""")


@dataclass(frozen=True, slots=True)
class Mail:
    """One email that was accepted."""

    message_id: str
    recipient: str
    subject: str
    sent_at: datetime
    html: str
    text: str
    one_click: str

    def link(self, ours: str, kind: str) -> str:
        """Return the first URL of a kind, such as `guide`, in the HTML."""
        return next(url for url in self.links() if url.startswith(f"{ours}/{kind}/"))

    def has(self, ours: str, kind: str) -> bool:
        """Return whether the email has a URL of a kind."""
        return any(url.startswith(f"{ours}/{kind}/") for url in self.links())

    def links(self) -> list[str]:
        """Return every URL in the email, as a reader who follows all of them would find it."""
        found = _ADDRESS.findall(unescape(self.html)) + _ADDRESS.findall(self.text)
        return list(dict.fromkeys([*found, self.one_click]))


def read_mails(outbox: Path) -> list[Mail]:
    """Return every email in the outbox, in sending order."""
    return [_read(path) for path in sorted(outbox.glob("message-*.eml"))]


def _read(path: Path) -> Mail:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    return Mail(
        message_id=str(message["Message-ID"]),
        recipient=str(message["To"]).strip("<>"),
        subject=str(message["Subject"]),
        sent_at=parsedate_to_datetime(str(message["Date"])),
        html=_part(message, "html"),
        text=_part(message, "plain"),
        one_click=str(message["List-Unsubscribe"]).strip("<>"),
    )


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return part.get_content() if part else ""
