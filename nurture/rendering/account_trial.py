"""A short email to the owner that tries the mail account and nothing else."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from nurture.domain.practice import Practice

_TEXT = """\
This is a test of your mail account, which you asked for in the studio.

It has arrived, so your mail server takes emails from the program and passes them on. If you found
it among the junk, let whoever looks after your domain check its SPF, DKIM and DMARC records.
"""


def account_trial(practice: Practice, to: str, number: int, now: datetime) -> bytes:
    """Return the whole message, with CRLF line ends; its Message-ID belongs to no email."""
    message = EmailMessage(SMTP.clone(cte_type="7bit"))
    sender = Address(practice.sender_name, addr_spec=practice.sender_address)
    message["From"], message["To"] = sender, to
    message["Subject"] = "[Test] Your mail account works"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<account-trial-{number}@{practice.sender_domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_TEXT)
    return message.as_bytes()
