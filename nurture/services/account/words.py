"""What the owner reads while the mail account accepts nothing: what is wrong, and what to do."""

from datetime import datetime

from nurture.domain.account.hold import Hold
from nurture.domain.messages.refusal import Cause

_WHAT = {
    Cause.RATE: "Your mail account is sending too fast for its provider",
    Cause.QUOTA: "Your mail account has reached its sending limit",
    Cause.SUSPENDED: "Your mail provider has suspended sending",
    Cause.LOGIN: "Your mail server does not accept the login",
    Cause.SENDER: "Your mail server does not accept the sender",
    Cause.REFUSALS: "Your mail server refuses everyone with the same words",
    Cause.BOUNCES: "Unusually many emails have bounced",
}

_ADVICE = {
    Cause.RATE: "If this keeps happening, ask your mail provider how many emails a minute it "
    "allows.",
    Cause.QUOTA: "Ask your mail provider for a higher limit, or wait: your emails will leave over "
    "the coming days as the limit allows.",
    Cause.SUSPENDED: "Contact your mail provider: only they can allow sending again.",
    Cause.LOGIN: "Check the user name and the password in NURTURE_SMTP_URL, and whether your "
    "provider wants an app password. If you connected the account, connect it again: “nurture "
    "account connect”, or Your mail account in the studio.",
    Cause.SENDER: "Check that the sender’s address and its domain are verified with your mail "
    "provider, and that the domain has its SPF, DKIM and DMARC records.",
    Cause.REFUSALS: "Send the words below to your mail provider and ask what they mean.",
    Cause.BOUNCES: "Check that the people you write to asked for it. Nobody is suppressed and "
    "nothing is sent until you decide.",
}


def what_is_wrong(held: Hold) -> str:
    """Return one short sentence, without its full stop."""
    return _WHAT[held.cause]


def what_to_do(held: Hold, now: datetime) -> str:
    """Return what the owner should do, or "" while waiting is enough."""
    return _ADVICE[held.cause] if held.outlasts_patience(now) else ""
