"""The naive way: one `EmailMessage`, one `smtplib` call and one commit for each mail.

    python -m bench.naive DATABASE_URL SMTP_PORT FIRST LAST

Sends the article to the people of these numbers, over one kept connection, and prints
how many seconds it took and how much processor time.
"""

import smtplib
import sys
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from bench.library import ARTICLE, SEQUENCE
from bench.people import MORNING
from bench.workers import SECRET
from nurture.library import parse_practice
from nurture.rendering.compiling import CompiledEmail
from nurture.rendering.preparing import shared_values
from nurture.rendering.templating import compile_template
from nurture.services.catalogue import Catalogue
from nurture.store.enrolments import enrolments
from nurture.store.messages import messages
from nurture.store.session import Database
from nurture.store.subscribers import subscribers
from nurture.tokens import Tokens

_URL = "https://emails.example.org"

__all__ = ["NaiveSender", "parse_practice"]


class NaiveSender:
    """Everything is looked up, rendered, sent and written down one by one."""

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
        """One mail to one person."""
        with self._database.reading() as connection:
            row = connection.execute(_look_up(person)).mappings().one()
            number = connection.scalar(select(func.max(messages.c.id))) + 1
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
        """Say goodbye."""
        self._server.quit()

    def _message(self, row: Any, number: int) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        unsubscribe = f"{_URL}/unsubscribe/{self._tokens.unsubscribe(row['subscriber_id'], number)}"
        mail["Date"] = format_datetime(MORNING)
        mail["From"] = f"{self._practice.sender_name} <{self._practice.sender_address}>"
        mail["To"] = row["address"]
        mail["Subject"] = self._email.subject
        mail["Message-ID"] = (
            f"<{self._tokens.message_id(number)}@{self._practice.sender_domain}>"
        )
        mail["List-Unsubscribe"] = f"<{unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        values = self._shared | {
            "first_name": row["first_name"],
            "unsubscribe_url": unsubscribe,
            "preferences_url": f"{_URL}/preferences/{self._tokens.preferences(1)}",
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
            "claimed_at": datetime.now(UTC),  # noqa: TID251 - the naive way reads its own clock
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
    for person in range(first, first + 10):
        sender.send(person)
    began, spent = time.monotonic(), time.process_time()
    for person in range(first + 10, last + 1):
        sender.send(person)
    print(time.monotonic() - began, time.process_time() - spent, flush=True)
    sender.close()
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
