"""Messages held after a restore are listed by person, and sent or dropped as the owner decides."""

from datetime import timedelta

from flask.testing import FlaskClient

from nurture.services.backup import held
from nurture.services.profile import explanation
from tests.installation import Installation
from tests.web.studio import send


def hold_everybody(sqlite_home: Installation) -> None:
    for name in ("alice", "ben"):
        sqlite_home.subscribe(f"{name}@example.org", first_name=name.title())
    held.hold_missed(
        sqlite_home.context.database, sqlite_home.context.catalogue, sqlite_home.clock.now
    )


def test_the_first_page_leads_to_held_emails_and_the_owner_decides_each(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    hold_everybody(sqlite_home)
    assert sqlite_home.deliver() == 0
    context, now = sqlite_home.context, sqlite_home.clock.now
    said = explanation.explain(context.database, context.catalogue, "ben@example.org", now)
    assert any("held since the restore" in why for why in said.why_not_sooner)
    assert "2 people’s emails are held since the restore" in paul.get("/studio/").text
    page = paul.get("/studio/held").text
    assert "alice@example.org: “your-guide”" in page
    first = sqlite_home.enrolment("alice@example.org")["id"]
    send(paul, "/studio/held", what="send", enrolment=str(first))
    assert sqlite_home.deliver() == 1
    assert "alice@example.org" not in paul.get("/studio/held").text
    send(paul, "/studio/held", what="drop")
    assert sqlite_home.deliver() == 0
    assert "Nothing is held." in paul.get("/studio/held").text


def test_a_newly_requested_guide_is_not_held(sqlite_home: Installation) -> None:
    hold_everybody(sqlite_home)
    sqlite_home.clock.advance(timedelta(days=2))
    sqlite_home.subscribe("ben@example.org")
    assert sqlite_home.deliver() == 1
    assert [step for step, _ in sqlite_home.statuses("ben@example.org")] == ["your-guide"]
    assert held.count_held(sqlite_home.context.database) == 2
