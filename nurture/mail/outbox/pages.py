"""Pages for viewing an outbox in a browser, opened from the directory and free of scripts."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from html import escape
from itertools import groupby
from pathlib import Path

from nurture.mail.outbox.files import KeptMail, list_mails, write_whole

_HEAD_TAG = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_RESTRAINT = (
    '<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
    "content=\"script-src 'none'; object-src 'none'; form-action 'none'; base-uri 'none'\">"
)

_PAGE = """<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>Outbox</title>
<style>
:root {{ color-scheme: light dark; --ink: #1c2430; --faint: #5a6473; --paper: #f6f7f9;
  --card: #ffffff; --line: #dde1e7; --link: #0b5cad; }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #e6e9ee; --faint: #a3adba;
  --paper: #14181e; --card: #1c222b; --line: #323b47; --link: #7fb8f5; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }}
main {{ max-width: 52rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }}
h1 {{ margin: 0; font-size: 1.75rem; letter-spacing: -0.01em; }}
.summary {{ margin: 0.25rem 0 2rem; color: var(--faint); }}
section {{ margin-bottom: 2rem; }}
h2 {{ margin: 0 0 0.5rem; font-size: 1.05rem; overflow-wrap: anywhere; }}
ol {{ list-style: none; margin: 0; padding: 0; background: var(--card);
  border: 1px solid var(--line); border-radius: 0.625rem; }}
li {{ display: grid; grid-template-columns: 14rem 1fr auto; gap: 0.25rem 1rem;
  align-items: baseline; padding: 0.7rem 1rem; }}
li + li {{ border-top: 1px solid var(--line); }}
time, .undated {{ color: var(--faint); font-variant-numeric: tabular-nums; font-size: 0.9rem;
  white-space: nowrap; }}
.subject {{ overflow-wrap: anywhere; }}
.views {{ display: flex; gap: 0.9rem; font-size: 0.9rem; }}
a {{ color: var(--link); text-underline-offset: 0.15em; }}
a:focus-visible {{ outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px; }}
@media (max-width: 40rem) {{ li {{ grid-template-columns: 1fr; }} }}
</style>
</head>
<body>
<main>
<h1>Outbox</h1>
<p class="summary">{summary}</p>
{sections}
</main>
</body>
</html>
"""

_SECTION = """<section aria-labelledby="r{number}">
<h2 id="r{number}">{recipient}</h2>
<ol>
{items}
</ol>
</section>"""

_ITEM = """<li>{date}<span class="subject">{subject}</span>
<span class="views">{views}</span></li>"""


def write_index(directory: Path) -> Path:
    """Write `index.html` and, beside each email, its HTML and text parts; return the index.

    The index lists the emails by recipient, each recipient's in sending order. It is a single
    file with no scripts or external resources; the views of emails may not run scripts either.
    """
    mails = sorted(list_mails(directory), key=lambda mail: (mail.recipient, mail.number))
    sections = list(_sections(mails))
    summary = f"{_counted(len(mails), 'email')} to {_counted(len(sections), 'recipient')}"
    page = _PAGE.format(summary=summary, sections="\n".join(sections))
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    return write_whole(directory / "index.html", page.encode())


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _sections(mails: Iterable[KeptMail]) -> Iterator[str]:
    groups = groupby(mails, key=lambda mail: mail.recipient)
    for number, (recipient, group) in enumerate(groups, 1):
        items = "\n".join(map(_item, group))
        name = escape(recipient) or "No recipient named"
        yield _SECTION.format(number=number, recipient=name, items=items)


def _item(mail: KeptMail) -> str:
    subject = mail.subject or "(no subject)"
    views = "".join(_view_link(path, subject) for path in _write_views(mail))
    return _ITEM.format(date=_when(mail.date), subject=escape(subject), views=views)


def _when(date: datetime | None) -> str:
    if date is None:
        return '<span class="undated">undated</span>'
    return f'<time datetime="{date.isoformat()}">{date:%a %d %b %Y, %H:%M} UTC</time>'


def _view_link(path: Path, subject: str) -> str:
    kind = "HTML" if path.suffix == ".html" else "Text"
    label = escape(f"{kind} of “{subject}”")
    return f'<a href="{path.name}" aria-label="{label}">{kind}</a>'


def _write_views(mail: KeptMail) -> Iterator[Path]:
    message = BytesParser(policy=default).parsebytes(mail.path.read_bytes())
    page = _part(message, "html")
    if page is not None:
        yield write_whole(mail.path.with_suffix(".html"), _restrained(page).encode())
    text = _part(message, "plain")
    if text is not None:
        yield write_whole(mail.path.with_suffix(".txt"), text.encode("utf-8-sig"))


def _part(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    return None if part is None else str(part.get_content())


def _restrained(page: str) -> str:
    """Declare the encoding and forbid scripts, as the page is taken out of its email."""
    head = _HEAD_TAG.search(page)
    if head is None:
        return _RESTRAINT + page
    return page[: head.end()] + _RESTRAINT + page[head.end() :]
