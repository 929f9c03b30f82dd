"""A short email to an owner: a new post has become a draft, and where to look at it."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from nurture.domain.practice import Practice

_TEXT = """\
There is a new post on your blog:

    {title}
    {address}

It has become a draft of an email to the people who agreed to hear about new articles. See who would
get it, change its words, and send it or delete it:

    {page}

{after}
"""

_ASKED = "Nothing is sent unless you press “Send” there."
_BY_ITSELF = """\
If you do nothing, it is sent in 24 hours, as you have chosen. If you change the draft, nothing is
sent unless you press “Send”."""


def feed_notice(
    practice: Practice,
    to: str,
    *,
    title: str,
    address: str,
    page: str,
    sends_itself: bool,
    number: int,
    now: datetime,
) -> bytes:
    """Return the whole message, with CRLF line ends; its Message-ID belongs to no email."""
    message = EmailMessage(SMTP.clone(cte_type="7bit"))
    sender = Address(practice.sender_name, addr_spec=practice.sender_address)
    message["From"], message["To"] = sender, to
    message["Subject"] = f"A draft about your new post: {title[:80]}"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<feed-notice-{number}@{practice.sender_domain}>"
    message["Auto-Submitted"] = "auto-generated"
    after = _BY_ITSELF if sends_itself else _ASKED
    message.set_content(_TEXT.format(title=title, address=address, page=page, after=after))
    return message.as_bytes()
