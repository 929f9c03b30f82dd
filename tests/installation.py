"""A whole installation in one process: a fresh database, the shipped emails, a movable clock.

Nothing of the program is replaced. A test moves the clock's file, and examines the emails that a
real mail server accepted and the rows of a real database.
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

from nurture.bootstrap import Context, build
from nurture.domain.messages.status import MessageStatus
from nurture.domain.subscribers.consent import (
    OWN_WORDINGS,
    ConsentChange,
    Evidence,
    Origin,
    Purpose,
)
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
from nurture.store.tables.awaited_consents import awaited_consents
from nurture.store.tables.consents import record_consents
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import revisions
from nurture.store.tables.subscribers import subscribers
from tests import proof
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
class Installation:
    """One installation with its clock; its methods are what visitors or workers do."""

    url: str
    directory: Path
    clock: ClockFile
    smtp_url: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def context(self) -> Context:
        """Everything one process works with."""
        return self.another()

    def another(self, **settings: str) -> Context:
        """Return a further process over the same database, with its own settings."""
        context = build(load_settings(self.environment | settings))
        share_statements(context.database.engine)
        proof.guard(context.database.engine)
        return context

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a process of this installation."""
        own = {
            "NURTURE_DATABASE_URL": self.url,
            "NURTURE_DATA_DIR": str(self.directory / "var"),
            "NURTURE_CLOCK": str(self.clock.path),
        }
        sending = {"NURTURE_SMTP_URL": self.smtp_url} if self.smtp_url else {}
        return _SETTINGS | own | sending | dict(self.settings)

    @cached_property
    def client(self) -> FlaskClient:
        """Return a browser on the web side."""
        from webhooks import create_app

        client = create_app(self.context).test_client()
        client.environ_base["HTTP_USER_AGENT"] = _A_BROWSER
        return client

    def publish_shipped(self) -> "Installation":
        """Publish the shipped files, compiled once for the whole run."""
        now = {"published_at": self.clock.now}
        with self.context.database.writing() as connection:
            connection.execute(insert(revisions), [row | now for row in _shipped_rows()])
        return self

    def close(self) -> None:
        """Close every connection."""
        if "context" in self.__dict__:
            if "dispatch" in self.context.__dict__:
                self.context.dispatch.mailer.close()
            self.context.database.close()

    # --- What the website and the subscribers do ---------------------------------------------

    def subscribe(self, address: str, form: str = "pain-guide", **more: Any) -> None:
        """Sign up as a form does, by calling the service directly."""
        context = self.context
        signup = Signup(form, address, **more)
        signup_service.subscribe(
            context.database,
            context.catalogue,
            context.tokens,
            context.limits,
            signup,
            self.clock.now,
        )

    def subscribe_followed(self, address: str, form: str = "pain-guide", **more: Any) -> None:
        """Sign up, and agree to tracking on the preference page before any email has gone."""
        self.subscribe(address, form, **more)
        words = OWN_WORDINGS[Purpose.TRACKING]
        with self.context.database.writing() as connection:
            person = self.person(address)["id"]
            agreed = [ConsentChange(Purpose.TRACKING, True, words)]
            record_consents(connection, person, agreed, Origin("preferences", ""), self.clock.now)

    def fill_in_form(
        self, address: str, form: str = "pain-guide", **fields: object
    ) -> TestResponse:
        """Make the website's signed call after a visitor has filled in a form."""
        body = as_json({"email": address} | fields)
        number = f"msg_{abs(hash((address, form, self.clock.now.isoformat())))}"
        headers = sign_standard_webhook(SIGNUP_SECRET, number, self.clock.now, body)
        return self.client.post(
            f"/webhooks/signup/{form}", data=body, headers=headers, content_type="application/json"
        )

    def collect(self, enrolment: int = 1, **wanted: bool) -> None:
        """Collect the guide as its page does, by calling the service directly."""
        context = self.context
        answers = {Purpose(name): yes for name, yes in wanted.items()}
        assert guide.collect_guide(
            context.database,
            context.catalogue,
            context.guide_files,
            enrolment,
            answers,
            Evidence("https://emails.example.org/guide", "192.0.2.7", _A_BROWSER),
            self.clock.now,
        )

    def press(self, link: str, **form: str) -> TestResponse:
        """Press the button on the page that an email's link leads to."""
        return self.client.post(urlsplit(link).path, data=form)

    # --- What the workers do -----------------------------------------------------------------

    def deliver(self) -> int:
        """Sweep and deliver until nothing is due any more; return how many emails were offered."""
        offered = 0
        for _ in range(100):
            if not sweep.batches_due(self.context.dispatch):
                return offered
            offered += batch.deliver_batch(self.context.dispatch).offered
        raise AssertionError("there is always something due")

    def live_until(self, end: datetime) -> None:
        """Let time pass, with a worker that looks whenever something is due."""
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
        """Do the hourly housekeeping."""
        erasure.tidy(self.context.database, self.context.files, self.clock.now)
        bounces.believe_silence(self.context.database, self.context.catalogue, self.clock.now)
        sunset.ask_the_quiet(self.context.database, self.context.catalogue, self.clock.now)

    def fold(self) -> int:
        """Bring the hits into the database."""
        return fold_journals(self.context.database, self.context.journals)

    def judge(self) -> int:
        """Let the holding period of the hits pass, and have them judged."""
        self.clock.advance(HOLD)
        return verdicts.judge_held(self.context.database, self.clock.now)

    # --- What there is to see ----------------------------------------------------------------

    def next_look(self) -> datetime | None:
        """Return when a worker next has something to do."""
        from nurture.services.account.outlook import account_report
        from nurture.store.queries.due import find_next_look
        from nurture.store.tables.broadcasts import unsettled

        with self.context.database.reading() as connection:
            freezing = [one.freezes_at for one in unsettled(connection) if one.is_freezing]
            looks = [find_next_look(connection), *freezing]
            look = min((at for at in looks if at), default=None)
            fixed, now = self.context.settings.account_choices, self.clock.now
            until = account_report(connection, fixed, now)["until"]
            return max(look, datetime.fromisoformat(until)) if look and until else look

    def rows(self, table: Table) -> list[dict[str, Any]]:
        """Return every row of a table, ordered by the first column."""
        ordered = select(table).order_by(*table.primary_key.columns)
        with self.context.database.reading() as connection:
            return [dict(row) for row in connection.execute(ordered).mappings()]

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Return the whole database."""
        return {table.name: self.rows(table) for table in whole_schema().sorted_tables}

    def enrolment(self, address: str, sequence: str = "pain-guide") -> dict[str, Any]:
        """Return one person's enrolment."""
        [found] = [row for row in self.enrolments_of(address) if row["sequence"] == sequence]
        return found

    def enrolments_of(self, address: str) -> list[dict[str, Any]]:
        """Return all enrolments of one person."""
        person = self.person(address)["id"]
        return [row for row in self.rows(enrolments) if row["subscriber_id"] == person]

    def person(self, address: str) -> dict[str, Any]:
        """Return one subscriber."""
        [found] = [row for row in self.rows(subscribers) if row["address"] == address]
        return found

    def awaited(self, address: str) -> set[str]:
        """Return the purposes that one person ticked and has not confirmed."""
        person = self.person(address)["id"]
        rows = self.rows(awaited_consents)
        return {row["purpose"] for row in rows if row["subscriber_id"] == person}

    def messages_of(self, address: str) -> list[dict[str, Any]]:
        """Return the ledger's rows about one person, oldest first."""
        person = self.person(address)["id"]
        return [row for row in self.rows(messages) if row["subscriber_id"] == person]

    def statuses(self, address: str) -> list[tuple[str, MessageStatus]]:
        """Return step and status of every message to one person."""
        return [(m["step"], MessageStatus(m["status"])) for m in self.messages_of(address)]


def as_json(document: object) -> bytes:
    """Return a JSON body."""
    return json.dumps(document).encode()


def calendly_call(
    home: Installation,
    event: str,
    email: str,
    number: str,
    *,
    secret: str = CALENDLY_SECRET,
    age: int = 0,
) -> TestResponse:
    """Return a call from the calendar, signed `age` seconds ago."""
    invitee = {"uri": f"https://api.calendly.com/invitees/{number}", "email": email}
    said = {"event": event, "created_at": home.clock.now.isoformat(), "payload": invitee}
    body, stamp = as_json(said), str(int(home.clock.now.timestamp()) - age)
    signature = hex_hmac(secret.encode(), f"{stamp}.".encode() + body)
    headers = {"Calendly-Webhook-Signature": f"t={stamp},v1={signature}"}
    return home.client.post("/webhooks/bookings/calendly", data=body, headers=headers)


def text_of(mail: Mail) -> str:
    """Return the plain text of an email."""
    part = mail.message.get_body(("plain",))
    assert part is not None
    content: str = part.get_content()
    return content


def link_in(mail: Mail, kind: str) -> str:
    """Return an email's first link of one kind (guide, preferences, unsubscribe, c or o)."""
    part = mail.message.get_body(("html",))
    assert part is not None
    found = re.search(rf"{re.escape(BASE_URL)}/{kind}/[A-Za-z0-9_.-]+", part.get_content())
    assert found is not None, f"no {kind} link in “{mail.message['Subject']}”"
    return found[0]


def subjects(mails: Iterable[Mail]) -> list[str]:
    """Return the emails' subjects, in order of arrival."""
    return [str(mail.message["Subject"]) for mail in mails]


@cache
def shipped_library() -> Library:
    """Return the sequences and emails that the program comes with."""
    return read_library(SHIPPED)


def shipped_revision(email: str) -> dict[str, Any]:
    """Return one of those emails, compiled."""
    return next(draft.compiled for draft in _shipped_drafts() if draft.key == email)


@cache
def _shipped_drafts() -> list[files.Draft]:
    return files.check(shipped_library())


@cache
def _shipped_rows() -> list[dict[str, Any]]:
    """Return their first revisions as rows of the table, without the time."""
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
