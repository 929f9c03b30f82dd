"""Signups that wait are shown to the owner, who lets them go or deletes them."""

from flask.testing import FlaskClient

from nurture.domain.door.waiting import WhyWaiting
from nurture.services.door.admission import SignupArrival
from tests.installation import Installation
from tests.web.studio import send


def suspect(home: Installation, name: str, visitor: str, why: WhyWaiting) -> None:
    arrival = SignupArrival(vouched=False, visitor=visitor, suspected=why)
    home.subscribe(f"{name}@example.org", first_name=name.title(), arrival=arrival)


def test_the_first_page_leads_to_the_signups_that_wait(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    assert "waiting" not in paul.get("/studio/").text
    suspect(sqlite_home, "alice", "192.0.2.7", WhyWaiting.HURRIED)
    suspect(sqlite_home, "ben", "198.51.100.7", WhyWaiting.ROBOT)
    assert "2 signups are waiting" in paul.get("/studio/").text
    page = paul.get("/studio/waiting").text
    assert "alice@example.org" in page and "Filled in very fast" in page
    assert "192.0.2.0/24" in page and "198.51.100.0/24" in page
    assert "ben@example.org" not in paul.get("/studio/waiting?why=hurried").text


def test_the_owner_lets_a_network_go_and_deletes_the_rest(
    paul: FlaskClient, sqlite_home: Installation
) -> None:
    suspect(sqlite_home, "alice", "192.0.2.7", WhyWaiting.ROBOT)
    suspect(sqlite_home, "ben", "198.51.100.7", WhyWaiting.ROBOT)
    send(paul, "/studio/waiting", what="let-go", network="192.0.2.0/24")
    assert "on its way" in paul.get("/studio/waiting").text
    assert sqlite_home.deliver() == 1
    send(paul, "/studio/waiting", what="drop", why="robot")
    assert "No signup is waiting." in paul.get("/studio/waiting").text
    assert sqlite_home.deliver() == 0


def test_an_unclear_decision_changes_nothing(paul: FlaskClient, sqlite_home: Installation) -> None:
    suspect(sqlite_home, "alice", "192.0.2.7", WhyWaiting.ROBOT)
    assert send(paul, "/studio/waiting", what="drop").status_code == 400
    assert send(paul, "/studio/waiting", what="", why="robot").status_code == 400
    assert paul.get("/studio/waiting?number=x&after=y").status_code == 200
    assert "alice@example.org" in paul.get("/studio/waiting").text
