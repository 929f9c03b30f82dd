"""A whole house in one process: a fresh database, the shipped emails, a clock to move.

Nothing of the program is replaced. What a test moves is the clock's file, and what it
looks at are the mails that a real mail server took and the rows of a real database.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from sqlalchemy import Table, insert, select
from werkzeug.test import TestResponse

from nurture.bootstrap import House, build
from nurture.domain.messages.status import MessageStatus
from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.domain.tracking.verdict import HOLD
from nurture.library.folder import Library, read_library
from nurture.services.delivery import batch, sunset, sweep
from nurture.services.inbound import bounces
from nurture.services.publishing import files
from nurture.services.subscribers import erasure, guide
from nurture.services.subscribers import signup as signup_service
from nurture.services.subscribers.signup import Signup
from nurture.services.tracking import verdicts
from nurture.services.tracking.fold import fold_journals
from nurture.settings import load_settings
from nurture.signatures import hex_hmac, sign_standard_webhook
from nurture.store.shape import whole_schema
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import revisions
from nurture.store.tables.subscribers import subscribers
from tests.quick import build_addresses_when_asked, share_statements
from tests.servers.clock import ClockFile
from tests.servers.smtp import Mail

build_addresses_when_asked()

SHIPPED = Path(__file__).parents[1] / "templates/emails"
BASE_URL = "https://emails.example.org"
SIGNUP_SECRET = "whsec_c2lnbnVwLXNlY3JldC1vZi1hLXRlc3QtaG91c2U="
SIGNUP_TOKEN = "a-token-of-the-website"
MAIL_SECRET = "whsec_bWFpbC1zZWNyZXQtb2YtYS10ZXN0LWhvdXNlLTAx"
CALENDLY_SECRET = "calendly-signing-key"

_SETTINGS = {
    "NURTURE_BASE_URL": BASE_URL,
    "NURTURE_SECRET_KEY": "a-secret-that-signs-in-tests-only",
    "NURTURE_SIGNUP_SECRET": SIGNUP_SECRET,
    "NURTURE_SIGNUP_TOKEN": SIGNUP_TOKEN,
    "NURTURE_GENERIC_SECRET": MAIL_SECRET,
    "NURTURE_CALENDLY_SECRET": CALENDLY_SECRET,
}
_A_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass
class Household:
    """One house with its clock; the verbs are what a visitor, a subscriber or a worker does."""

    url: str
    directory: Path
    clock: ClockFile
    smtp_url: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def house(self) -> House:
        """Everything one process works with."""
        return self.another()

    def another(self, **settings: str) -> House:
        """A further process over the same database, with settings of its own."""
        house = build(load_settings(self.environment | settings))
        share_statements(house.database.engine)
        return house

    @property
    def environment(self) -> dict[str, str]:
        """What a process of this house has in its environment."""
        own = {
            "NURTURE_DATABASE_URL": self.url,
            "NURTURE_DATA_DIR": str(self.directory / "var"),
            "NURTURE_CLOCK": str(self.clock.path),
        }
        sending = {"NURTURE_SMTP_URL": self.smtp_url} if self.smtp_url else {}
        return _SETTINGS | own | sending | dict(self.settings)

    @cached_property
    def client(self) -> FlaskClient:
        """A browser on the web side."""
        from webhooks import create_app

        client = create_app(self.house).test_client()
        client.environ_base["HTTP_USER_AGENT"] = _A_BROWSER
        return client

    def publish_shipped(self) -> "Household":
        """Publish what the program is shipped with, compiled once for the whole run."""
        now = {"published_at": self.clock.now}
        with self.house.database.writing() as connection:
            connection.execute(insert(revisions), [row | now for row in _shipped_rows()])
        return self

    def close(self) -> None:
        """Let go of every connection."""
        if "house" in self.__dict__:
            if "dispatch" in self.house.__dict__:
                self.house.dispatch.mailer.close()
            self.house.database.close()

    # --- What the website and the subscribers do ---------------------------------------------

    def subscribe(self, address: str, form: str = "pain-guide", **more: Any) -> None:
        """Fill in a form, without the web in between."""
        house = self.house
        signup = Signup(form, address, **more)
        signup_service.subscribe(
            house.database, house.catalogue, house.tokens, house.limits, signup, self.clock.now
        )

    def fill_in_form(
        self, address: str, form: str = "pain-guide", **fields: object
    ) -> TestResponse:
        """The website's signed call after a visitor filled in a form."""
        body = as_json({"email": address} | fields)
        number = f"msg_{abs(hash((address, form, self.clock.now.isoformat())))}"
        headers = sign_standard_webhook(SIGNUP_SECRET, number, self.clock.now, body)
        return self.client.post(
            f"/webhooks/signup/{form}", data=body, headers=headers, content_type="application/json"
        )

    def collect(self, enrolment: int = 1, **wanted: bool) -> None:
        """Press the button on the guide's page, without the web in between."""
        house = self.house
        answers = {Purpose(name): yes for name, yes in wanted.items()}
        assert guide.collect_guide(
            house.database,
            house.catalogue,
            house.shelf,
            enrolment,
            answers,
            Evidence("https://emails.example.org/guide", "192.0.2.7", _A_BROWSER),
            self.clock.now,
        )

    def press(self, link: str, **form: str) -> TestResponse:
        """Press the button on the page that a mail's link leads to."""
        return self.client.post(urlsplit(link).path, data=form)

    # --- What the workers do -----------------------------------------------------------------

    def deliver(self) -> int:
        """Sweep and deliver until nothing is due any more; return how many mails were offered."""
        offered = 0
        for _ in range(100):
            if not sweep.batches_due(self.house.dispatch):
                return offered
            offered += batch.deliver_batch(self.house.dispatch).offered
        raise AssertionError("there is always something due")

    def live_until(self, end: datetime) -> None:
        """Let the time pass, with a worker that looks whenever there is something to look at."""
        for _ in range(5000):
            at = self.next_look()
            if at is None or at > end:
                return self.clock.set(max(end, self.clock.now))
            self.clock.set(max(at, self.clock.now))
            self.deliver()
        raise AssertionError("the time does not pass")

    def live(self, **length: float) -> None:
        """Let that much time pass."""
        self.live_until(self.clock.now + timedelta(**length))

    def upkeep(self) -> None:
        """What is done once an hour."""
        erasure.tidy(self.house.database, self.house.files, self.clock.now)
        bounces.believe_silence(self.house.database, self.house.catalogue, self.clock.now)
        sunset.ask_the_quiet(self.house.database, self.house.catalogue, self.clock.now)

    def fold(self) -> int:
        """Bring the hits into the database."""
        return fold_journals(self.house.database, self.house.journals)

    def judge(self) -> int:
        """Let the hold of the hits pass, and have them judged."""
        self.clock.advance(HOLD)
        return verdicts.judge_held(self.house.database, self.clock.now)

    # --- What there is to see ----------------------------------------------------------------

    def next_look(self) -> datetime | None:
        """When a worker has something to do next."""
        from nurture.store.tables.account import find_hold
        from nurture.store.tables.enrolments import find_next_look

        with self.house.database.reading() as connection:
            look, held = find_next_look(connection), find_hold(connection)
            return max(look, held.until) if look and held else look

    def rows(self, table: Table) -> list[dict[str, Any]]:
        """Every row of a table, in the order of the first column."""
        ordered = select(table).order_by(*table.primary_key.columns)
        with self.house.database.reading() as connection:
            return [dict(row) for row in connection.execute(ordered).mappings()]

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """The whole database."""
        return {table.name: self.rows(table) for table in whole_schema().sorted_tables}

    def enrolment(self, address: str, sequence: str = "pain-guide") -> dict[str, Any]:
        """One person's enrolment."""
        [found] = [row for row in self.enrolments_of(address) if row["sequence"] == sequence]
        return found

    def enrolments_of(self, address: str) -> list[dict[str, Any]]:
        """All enrolments of one person."""
        person = self.person(address)["id"]
        return [row for row in self.rows(enrolments) if row["subscriber_id"] == person]

    def person(self, address: str) -> dict[str, Any]:
        """One subscriber."""
        [found] = [row for row in self.rows(subscribers) if row["address"] == address]
        return found

    def messages_of(self, address: str) -> list[dict[str, Any]]:
        """The ledger's rows about one person, oldest first."""
        person = self.person(address)["id"]
        return [row for row in self.rows(messages) if row["subscriber_id"] == person]

    def statuses(self, address: str) -> list[tuple[str, MessageStatus]]:
        """Step and state of every message to one person."""
        return [(m["step"], MessageStatus(m["status"])) for m in self.messages_of(address)]


def as_json(document: object) -> bytes:
    """A JSON body."""
    return json.dumps(document).encode()


def calendly_call(
    home: Household,
    event: str,
    email: str,
    number: str,
    *,
    secret: str = CALENDLY_SECRET,
    age: int = 0,
) -> TestResponse:
    """A call of the calendar's, signed `age` seconds ago."""
    invitee = {"uri": f"https://api.calendly.com/invitees/{number}", "email": email}
    said = {"event": event, "created_at": home.clock.now.isoformat(), "payload": invitee}
    body, stamp = as_json(said), str(int(home.clock.now.timestamp()) - age)
    signature = hex_hmac(secret.encode(), f"{stamp}.".encode() + body)
    headers = {"Calendly-Webhook-Signature": f"t={stamp},v1={signature}"}
    return home.client.post("/webhooks/bookings/calendly", data=body, headers=headers)


def text_of(mail: Mail) -> str:
    """The plain text of a mail."""
    part = mail.message.get_body(("plain",))
    assert part is not None
    content: str = part.get_content()
    return content


def link_in(mail: Mail, kind: str) -> str:
    """The first link of a mail to `/guide/`, `/preferences/`, `/unsubscribe/`, `/c/` or `/o/`."""
    part = mail.message.get_body(("html",))
    assert part is not None
    found = re.search(rf"{re.escape(BASE_URL)}/{kind}/[A-Za-z0-9_.-]+", part.get_content())
    assert found is not None, f"no {kind} link in “{mail.message['Subject']}”"
    return found[0]


def subjects(mails: Iterable[Mail]) -> list[str]:
    """What the mails are called, in the order they came."""
    return [str(mail.message["Subject"]) for mail in mails]


@cache
def shipped_library() -> Library:
    """The sequences and emails that the program comes with."""
    return read_library(SHIPPED)


def shipped_revision(email: str) -> dict[str, Any]:
    """One of those emails, compiled."""
    return next(draft.compiled for draft in _shipped_drafts() if draft.key == email)


@cache
def _shipped_drafts() -> list[files.Draft]:
    return files.check(shipped_library())


@cache
def _shipped_rows() -> list[dict[str, Any]]:
    """Their first revisions, as the table has them but for the time."""
    return [
        {
            "kind": draft.kind,
            "key": draft.key,
            "number": 1,
            "digest": draft.digest,
            "author": draft.author,
            "source": draft.source,
            "compiled": draft.compiled,
        }
        for draft in _shipped_drafts()
    ]
