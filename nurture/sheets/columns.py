"""What a column of a list means, and how the words above columns are compared."""

import re
from enum import StrEnum
from functools import lru_cache
from unicodedata import combining, normalize


class Meaning(StrEnum):
    """What the cells of one column are, in the words of an import row."""

    EMAIL = "email"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    FULL_NAME = "full_name"
    PHONE = "phone"
    STATE = "state"
    REFUSES_EMAIL = "refuses_email"
    WANTS_EMAIL = "wants_email"
    OPTED_IN_AT = "opted_in_at"
    OPTED_IN_IP = "opted_in_ip"
    CONFIRMED_AT = "confirmed_at"
    CONFIRMED_IP = "confirmed_ip"
    JOINED_AT = "joined_at"
    WORDING = "wording"
    PAGE_URL = "page_url"
    FORM = "form"
    LEFT_AT = "left_at"
    BOUNCED_AT = "bounced_at"
    TIME_ZONE = "time_zone"
    BOUGHT = "bought"
    BOUGHT_AT = "bought_at"
    WAY_OUT_OFFERED = "way_out_offered"
    LIST_NAME = "list_name"
    TAGS = "tags"
    OWN = "own"
    IGNORED = "ignored"


#: Columns of moments, whose dates may be written in either order.
MOMENTS = frozenset(
    {Meaning.OPTED_IN_AT, Meaning.CONFIRMED_AT, Meaning.JOINED_AT, Meaning.BOUGHT_AT}
    | {Meaning.LEFT_AT, Meaning.BOUNCED_AT}
)

_APART = re.compile(r"[\W_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


@lru_cache(maxsize=10_000)
def words_of(text: str) -> str:
    """Return words as they are compared: small, without accents, one blank between them."""
    plain = _HUMP.sub(" ", text.strip()[:200])
    if not plain.isascii():
        plain = "".join(c for c in normalize("NFKD", plain) if not combining(c))
    return _APART.sub(" ", plain.casefold()).strip()
