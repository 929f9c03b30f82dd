"""The proof of work that the page of a form asks for while many come (ALTCHA, protocol 2).

A challenge is signed, belongs to one form, and its solution counts once. What solves it costs a
person's browser a second, and a flood's machine as much for each signup.
"""

import json
from base64 import b64decode
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from altcha import create_challenge, verify_solution

from nurture.services.door.admission import SignupArrival, SignupLimits, count_taken, is_above
from nurture.store.database import Connection, Database
from nurture.store.tables.signups import keep_key
from nurture.tokens import Tokens

#: 256 keys of this many rounds are derived on average, by any phone within seconds.
_ALGORITHM, _ROUNDS = "PBKDF2/SHA-256", 5_000

#: How long a page may be open before its challenge is too old.
_LASTS = timedelta(hours=2)

#: Far longer than any solution is.
_LONGEST = 4_096


class _Signed(NamedTuple):
    """What the server's part of a challenge says."""

    form: str
    made_at: float
    signature: str


def is_due(
    connection: Connection, form: str, visitor: str, limits: SignupLimits, now: datetime
) -> bool:
    """Return whether a visitor who signs up now would wait unless a challenge is solved."""
    arrival = SignupArrival(vouched=False, visitor=visitor)
    return is_above(arrival, limits, count_taken(connection, form, arrival, visitor, limits, now))


def make_challenge(tokens: Tokens, form: str, now: datetime) -> str:
    """Return a new challenge for the page of a form, as JSON."""
    made = create_challenge(
        _ALGORITHM,
        _ROUNDS,
        data={"form": form, "made_at": int(now.timestamp())},
        hmac_secret=tokens.challenge_secrets[0],
    )
    return json.dumps(made.to_dict(), separators=(",", ":"))


def spend(database: Database, tokens: Tokens, form: str, solution: str, now: datetime) -> bool:
    """Return whether this solves a challenge of the form, and let it count this once."""
    if len(solution) > _LONGEST or not _is_ours(tokens, solution):
        return False
    signed = _signed(solution)
    age = now.timestamp() - signed.made_at
    if signed.form != form or not 0 <= age + 1 <= _LASTS.total_seconds():
        return False
    key = sha256(f"challenge:{signed.signature}".encode()).hexdigest()
    with database.writing() as connection:
        return keep_key(connection, key, "", now) is None


def _is_ours(tokens: Tokens, solution: str) -> bool:
    """Return whether a challenge that we signed is solved; expiry is by our own clock."""
    return any(verify_solution(solution, key).verified for key in tokens.challenge_secrets)


def _signed(solution: str) -> _Signed:
    """Return what a verified solution says about its challenge."""
    challenge: dict[str, Any] = json.loads(b64decode(solution))["challenge"]
    data = challenge["parameters"]["data"]
    return _Signed(str(data["form"]), float(data["made_at"]), str(challenge["signature"]))
