"""The commands for websites' keys and for signups that wait."""

import json

from click.testing import CliRunner, Result

from nurture.cli import main
from nurture.domain.door.waiting import WhyWaiting
from nurture.services.door.admission import SignupArrival
from nurture.store.tables.waiting_signups import waiting_signups
from tests.installation import Installation


def nurture(home: Installation, *words: str) -> Result:
    """Run one of the owner's commands; return its output."""
    return CliRunner().invoke(main, list(words), env=home.environment)


def suspect(home: Installation, name: str, why: WhyWaiting) -> None:
    arrival = SignupArrival(vouched=False, visitor="192.0.2.7", suspected=why)
    home.subscribe(f"{name}@example.org", arrival=arrival)


def test_signups_that_wait_are_listed_let_go_and_deleted(sqlite_home: Installation) -> None:
    assert nurture(sqlite_home, "waiting", "list").output == "No signup waits.\n"
    suspect(sqlite_home, "ann", WhyWaiting.ROBOT)
    suspect(sqlite_home, "bob", WhyWaiting.HURRIED)
    listed = nurture(sqlite_home, "waiting", "list").output
    assert "hurried: 1\nrobot: 1\nfrom 192.0.2.0/24: 2" in listed
    told = json.loads(nurture(sqlite_home, "waiting", "list", "--why", "robot", "--json").output)
    assert [one["email"] for one in told["signups"]] == ["ann@example.org"]
    assert json.loads(nurture(sqlite_home, "status", "--json").output)["signups_waiting"] == {
        "hurried": 1,
        "robot": 1,
    }
    assert "Let go: 1." in nurture(sqlite_home, "waiting", "let-go", "--why", "hurried").output
    number = str(told["signups"][0]["id"])
    assert nurture(sqlite_home, "waiting", "drop", number).output == "Deleted: 1.\n"
    assert sqlite_home.deliver() == 1
    assert sqlite_home.rows(waiting_signups) == []


def test_nothing_is_let_go_or_deleted_without_a_choice(sqlite_home: Installation) -> None:
    suspect(sqlite_home, "ann", WhyWaiting.ROBOT)
    answers = [nurture(sqlite_home, "waiting", word) for word in ("let-go", "drop")]
    assert [(one.exit_code, "--all" in one.output) for one in answers] == [(2, True)] * 2
    assert len(sqlite_home.rows(waiting_signups)) == 1


def test_a_websites_key_opens_its_address_until_it_is_revoked(sqlite_home: Installation) -> None:
    made = json.loads(nurture(sqlite_home, "site-key", "add", "Our website", "--json").output)
    address = next(one for one in made["addresses"] if "/pain-guide/" in one)
    path = "/" + address.split("/", 3)[3]
    form = {"email": "ann@example.org"}
    assert sqlite_home.client.post(path, data=form).status_code == 202
    assert "Our website" in nurture(sqlite_home, "site-key", "list").output
    nurture(sqlite_home, "site-key", "revoke", str(made["id"]))
    assert sqlite_home.client.post(path, data=form).status_code == 404
    assert made["key"] not in nurture(sqlite_home, "site-key", "list").output


def test_a_website_without_a_name_gets_no_key(sqlite_home: Installation) -> None:
    assert "80 characters" in nurture(sqlite_home, "site-key", "add", "  ").output
    assert json.loads(nurture(sqlite_home, "site-key", "list", "--json").output) == []


def test_someone_who_waits_can_be_asked_about_exported_and_forgotten(
    sqlite_home: Installation,
) -> None:
    suspect(sqlite_home, "ann", WhyWaiting.ROBOT)
    asked = nurture(sqlite_home, "why", "ann@example.org").output
    assert "ann@example.org signed up at 09:00 on 02 March" in asked
    assert "nurture waiting let-go 1" in asked
    told = json.loads(nurture(sqlite_home, "export-person", "ann@example.org", "--json").output)
    assert [(one["form"], one["client"]) for one in told["waiting"]] == [("pain-guide", "")]
    assert "ann@example.org" in told["waiting"][0]["address"]
    nurture(sqlite_home, "forget", "ann@example.org", "--yes")
    assert sqlite_home.rows(waiting_signups) == []
