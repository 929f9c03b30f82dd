"""The naive method: one `EmailMessage`, one `smtplib` call and one commit for each email.

    python -m bench.naive DATABASE_URL SMTP_PORT FIRST LAST

Sends the article to the people with these numbers, over one persistent connection, and prints
how many seconds it took and how much processor time.
"""

import smtplib
import subprocess
import sys
import time
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from statistics import median
from typing import Any

from sqlalchemy import insert, select, update

from bench.library import ARTICLE, SEQUENCE
from bench.people import MORNING, enrol, settle, wave
from bench.sinks import sink_named
from bench.stores import Store
from bench.workers import ROOT, SECRET, Site
from nurture.rendering.message import shared_values
from nurture.rendering.templates import compile_template
from nurture.services.catalogue import Catalogue
from nurture.store.database import Database
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from nurture.tokens import Tokens

_URL = "https://emails.example.org"

#: Above the numbers that the ledger holds already.
_FIRST_NUMBER = 1_000_000


#: So many are sent before the clock is started.
_WARM_UP = 10


def measure(store: Store, site: Site, size: int, processes: int, rounds: int) -> dict[str, Any]:
    """Return the emails per second of these processes together, and processor microseconds each."""
    found = []
    with store.fresh() as database, sink_named("light") as sink:
        share = size + _WARM_UP
        enrol(database, 1, rounds * processes * share, wave(0))
        settle(database)
        for number in range(rounds):
            first = 1 + number * processes * share
            starts = [first + place * share for place in range(processes)]
            senders = [_start(site, database, sink.port, at, at + share - 1) for at in starts]
            found.append([tuple(map(float, s.communicate()[0].split())) for s in senders])
    rates = [processes * size / max(seconds for seconds, _ in one) for one in found]
    spent = [sum(cpu for _, cpu in one) / (processes * size) * 1e6 for one in found]
    return {"rate": median(rates), "cpu": median(spent), "rates": [round(r) for r in rates]}


def _start(
    site: Site, database: Database, port: int, first: int, last: int
) -> "subprocess.Popen[str]":
    url = database.url
    command = [sys.executable, "-m", "bench.naive", url, *map(str, (port, first, last))]
    return subprocess.Popen(
        command, env=site.environment(), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


class NaiveSender:
    """A sender that looks up, renders, sends and records emails one by one."""

    def __init__(self, database: Database, port: int) -> None:
        self._database = database
        self._tokens = Tokens([SECRET])
        with database.reading() as connection:
            published = Catalogue(self._tokens, _URL).current(connection)
        self._revision, self._email = published.emails[f"{SEQUENCE}/{ARTICLE}"]
        self._practice = published.practice
        self._shared = shared_values(self._email, published.sequences[SEQUENCE], self._practice)
        self._html = compile_template(self._email.html, html=True)
        self._text = compile_template(self._email.text, html=False)
        self._server = smtplib.SMTP("127.0.0.1", port)

    def send(self, person: int) -> None:
        """Send one email to one person."""
        with self._database.reading() as connection:
            row = connection.execute(_look_up(person)).mappings().one()
        number = _FIRST_NUMBER + person
        mail = self._message(row, number)
        self._server.sendmail(self._practice.sender_address, [row["address"]], mail.as_bytes())
        with self._database.writing() as connection:
            connection.execute(insert(messages).values(**self._record(row, number)))
            connection.execute(
                update(enrolments)
                .where(enrolments.c.id == person)
                .values(passed=row["passed"] | {ARTICLE}, next_look_at=None)
            )

    def close(self) -> None:
        """Send QUIT."""
        self._server.quit()

    def _message(self, row: Any, number: int) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        unsubscribe = f"{_URL}/unsubscribe/{self._tokens.unsubscribe(row['subscriber_id'], number)}"
        mail["Date"] = format_datetime(MORNING)
        mail["From"] = f"{self._practice.sender_name} <{self._practice.sender_address}>"
        mail["To"] = row["address"]
        mail["Subject"] = self._email.subject
        mail["Message-ID"] = f"<{self._tokens.message_id(number)}@{self._practice.sender_domain}>"
        mail["List-Unsubscribe"] = f"<{unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        values = self._shared | {
            "first_name": row["first_name"],
            "is_followed": True,
            "unsubscribe_url": unsubscribe,
            "preferences_url": f"{_URL}/preferences/{self._tokens.preferences(1)}",
            "why_sent": "You are getting this email because you agreed to get our emails.",
            "why_url": f"{_URL}/why/{self._tokens.why(number)}",
            "guide_url": f"{_URL}/guide/{self._tokens.guide(row['id'])}",
        }
        mail.set_content(self._render(self._text, values, number))
        mail.add_alternative(self._render(self._html, values, number), subtype="html")
        return mail

    def _render(self, template: Any, values: dict[str, object], number: int) -> str:
        def link(place: int | str) -> str:
            url = self._email.links[place] if isinstance(place, int) else place
            return f"{_URL}/c/{self._tokens.click(number, url)}"

        def pixel() -> str:
            return f'<img src="{_URL}/o/{self._tokens.opened(number)}.gif" alt="" />'

        rendered: str = template.render(values, link=link, pixel=pixel)
        return rendered

    def _record(self, row: Any, number: int) -> dict[str, Any]:
        return {
            "id": number,
            "enrolment_id": row["id"],
            "subscriber_id": row["subscriber_id"],
            "sequence": SEQUENCE,
            "step": ARTICLE,
            "kind": "article",
            "occasion": 1,
            "revision_id": self._revision,
            "status": "accepted",
            "attempt": 1,
            "claim": "naive",
            "due_at": MORNING,
            "claimed_at": MORNING,
            "accepted_at": MORNING,
        }


def _look_up(person: int) -> Any:
    return (
        select(enrolments, subscribers.c.address, subscribers.c.first_name)
        .join(subscribers, subscribers.c.id == enrolments.c.subscriber_id)
        .where(enrolments.c.id == person)
    )


def main(url: str, port: int, first: int, last: int) -> None:
    """Warm up on the first few, then measure the rest."""
    database = Database(url)
    sender = NaiveSender(database, port)
    for person in range(first, first + _WARM_UP):
        sender.send(person)
    began, spent = time.monotonic(), time.process_time()
    for person in range(first + _WARM_UP, last + 1):
        sender.send(person)
    print(time.monotonic() - began, time.process_time() - spent, flush=True)
    sender.close()
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
