"""Evidence about one person, in words: a page to read and to print, and a text that explains it."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

#: What each opt-out and each reason not to email an address is called.
SAID: Mapping[str, str] = {
    "unsubscribed": "unsubscribed",
    "bounced": "the address did not work",
    "complained": "reported an email as junk",
    "erased": "was erased on request",
    "let_go": "was let go, never having confirmed the address",
    "consent:guide": "withdrew the consent to the guide",
    "consent:marketing": "withdrew the consent to emails",
    "consent:tracking": "withdrew the consent to the recording of opens and clicks",
    "consent:health_topics": "withdrew the consent to the use of health topics",
}


def evidence_page(record: Mapping[str, Any]) -> str:
    """Return a self-contained HTML document made from what `services.evidence.record` returns.

    Times are in the practice's time zone.
    """
    zone = ZoneInfo(record["practice"]["time_zone"])

    def moment(text: str | None) -> str:
        if not text:
            return ""
        at = datetime.fromisoformat(text).astimezone(zone)
        return f"{at.day} {at:%B %Y, %H:%M:%S}"

    return _template().render(record=record, moment=moment, said=SAID)


def read_me(record: Mapping[str, Any], key_page: str, fingerprint: str) -> str:
    """Return the text that says what the files are, what they prove, and how to check them."""
    practice, person = record["practice"], record["person"]
    return f"""\
WHAT THIS IS

{practice["name"]}, {practice["address"]}, put these files together on
{record["made_at"]} (UTC). They say what is on record about
{person["address"]}: what that person agreed to and in which words,
when they withdrew it, which emails were sent to them and why each was
allowed, and where they asked not to be written to.

evidence.html   the record, to read and to print: open it in a browser
evidence.json   the same and more, for a program
public-key.pem  the public half of the key that signed these files
MANIFEST        the SHA-256 of each of the files above and of this one
MANIFEST.sig    the signature of MANIFEST (Ed25519)

WHAT IT PROVES

If the check below succeeds, no byte of these files has changed since
they were signed with this practice's key. It does not prove by itself
that the record was right when it was made.

HOW TO CHECK IT

Nothing of the practice's is needed for it. Unpack the files, open a
terminal in their folder, and run

  openssl pkeyutl -verify -pubin -inkey public-key.pem -rawin -in MANIFEST -sigfile MANIFEST.sig
  sha256sum --strict -c MANIFEST

The first prints "Signature Verified Successfully", the second "OK"
for each file. OpenSSL 3 or newer is needed.

Then make sure that the key is the practice's: it is published at

  {key_page}

and must be the same as public-key.pem here. Its SHA-256 fingerprint:

  {fingerprint}
"""


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("evidence_page.html")
