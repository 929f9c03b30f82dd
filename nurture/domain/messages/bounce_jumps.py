"""A sudden jump in bounces: more often a mail server's mistake than that many dead addresses."""

from datetime import timedelta

#: A jump: more than this share of a day's emails, and at least this many, came back for good.
JUMP_SHARE, JUMP_AT_LEAST, JUMP_WITHIN = 0.05, 10, timedelta(days=1)


def is_jump(bounced: int, accepted: int) -> bool:
    """Return whether a day has more bounces than dead addresses can explain."""
    return bounced >= JUMP_AT_LEAST and bounced > JUMP_SHARE * accepted
