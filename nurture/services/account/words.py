"""What the owner reads of a mail account: what is wrong with it, what to do, and what is left."""

from datetime import datetime

from nurture.domain.account.hold import Hold
from nurture.domain.account.limits import Limits
from nurture.domain.messages.refusal import Blame, Cause, Refusal

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


def what_it_means(refusal: Refusal) -> str:
    """Return in one sentence what a mail server's answer about one email is about."""
    if refusal.blame is Blame.ACCOUNT and refusal.cause is not None:
        return f"{_WHAT[refusal.cause]}."
    if refusal.blame is Blame.CONNECTION:
        return "The mail server was busy or broke off. The email is tried again."
    if refusal.blame is Blame.CONTENT:
        return "This email itself was refused: it was too large, or taken for junk."
    return _of_the_recipient(refusal)


def _of_the_recipient(refusal: Refusal) -> str:
    if refusal.dead:
        return "There is no such address."
    if refusal.full:
        return "Their mailbox is full. The email is tried again."
    if refusal.fails:
        return "Their mail server does not take emails for this address."
    if refusal.unclear:
        return "Their mail server refused it without a clear reason. The email is tried again."
    return "Their mail server asked for a little patience. The email is tried again."


def say_limits(limits: Limits) -> str:
    """Say what limits allow, to follow “From now on”: `at most 30 a minute and 1,500 in 24 hours`.

    It has neither a capital letter nor a full stop.
    """
    named = (
        (limits.minute, "a minute"),
        (limits.hour, "an hour"),
        (limits.day, "in 24 hours"),
    )
    parts = [f"{number:,} {unit}" for number, unit in named if number is not None]
    said = f"at most {_joined(parts)}" if parts else "any number"
    if limits.connections is None:
        return said if parts else "there is no limit"
    return f"{said}, over {limits.connections} connection{'s' * (limits.connections != 1)}"


def _joined(parts: list[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last
