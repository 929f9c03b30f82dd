"""The waiting line: forged signups wait, honest ones are served, and everyone keeps their time."""

import threading
from datetime import timedelta

from nurture.domain.door.waiting import MOST_AT_ONCE, WhyWaiting
from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.services.door import waiting_line
from nurture.services.door.admission import SignupArrival
from nurture.services.subscribers import erasure
from nurture.services.subscribers.signup import Signup
from nurture.store.tables.consents import consents
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.waiting_signups import WaitingChoice, waiting_signups
from tests.installation import Installation
from tests.installations import ScriptedSink

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

#: So many forged signups of each network; the first hundred that are no network's first are taken.
EACH, TAKEN_AGAIN = 9, 100


def sign_up(home: Installation, address: str, visitor: str) -> None:
    arrival = SignupArrival(visitor=visitor)
    home.subscribe(address, arrival=arrival, evidence=Evidence(client=visitor))


def flood(home: Installation, networks: int) -> None:
    """Sign up nine forged people from each of that many networks."""
    for number in range(EACH * networks):
        network = number % networks
        sign_up(home, f"forged{number}@example.net", f"10.{network}.0.{number // networks + 1}")


def suspect(home: Installation, address: str, why: WhyWaiting) -> None:
    arrival = SignupArrival(vouched=False, visitor="192.0.2.7", suspected=why)
    ticked = (Purpose.NEWS,)
    home.subscribe(address, arrival=arrival, ticked=ticked, wordings={Purpose.NEWS: "News, yes."})


def test_honest_visitors_get_their_guides_while_a_flood_waits(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    flood(home, 30)
    for number in range(5):
        sign_up(home, f"honest{number}@example.org", f"198.51.{number}.1")
    home.deliver()
    mailed = {address for mail in smtp_sink.mails for address in mail.recipients}
    assert {f"honest{number}@example.org" for number in range(5)} <= mailed
    assert len(home.rows(waiting_signups)) == EACH * 30 - 30 - TAKEN_AGAIN
    counts = waiting_line.count_waiting(home.context.database)
    assert counts.by_reason == {"flood": EACH * 30 - 30 - TAKEN_AGAIN}


def test_those_that_wait_leave_in_turn_each_network_before_any_other_has_a_second(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    flood(home, 30)
    # They are taken a little at a time, so each network has as many waiting when the line begins.
    waited = {row["address"]: row["site"] for row in home.rows(waiting_signups)}
    home.deliver()
    smtp_sink.mails.clear()
    for _ in range(3):
        home.clock.advance(10 * MINUTE)
        home.deliver()
    left = [address for mail in smtp_sink.mails for address in mail.recipients]
    assert len(left) == 3 * MOST_AT_ONCE
    assert len({waited[address] for address in left}) == 30


def test_a_signup_that_waited_is_taken_in_with_the_time_at_which_it_was_made(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    made_at = home.clock.now
    suspect(home, "anna@example.org", WhyWaiting.HURRIED)
    home.deliver()
    assert home.rows(subscribers) == []
    home.clock.advance(4 * MINUTE)
    home.deliver()
    assert smtp_sink.mails == []
    home.clock.advance(3 * MINUTE)
    home.deliver()
    home.clock.advance(3 * MINUTE)
    home.deliver()
    assert len(smtp_sink.mails) == 1
    [signup] = home.rows(signups)
    assert (signup["signed_up_at"], signup["received_at"] > made_at) == (made_at, True)
    assert {row["said_at"] for row in home.rows(consents)} == {made_at}
    news = [row for row in home.rows(consents) if row["purpose"] == "news"]
    assert [row["wording"] for row in news] == ["News, yes."]
    assert home.person("anna@example.org")["confirmed_at"] is None
    assert home.rows(waiting_signups) == []


def test_a_robot_waits_for_the_owner_and_is_forgotten_after_a_week(home: Installation) -> None:
    suspect(home, "robot@example.org", WhyWaiting.ROBOT)
    home.clock.advance(5 * HOUR)
    home.deliver()
    assert len(home.rows(waiting_signups)) == 1
    home.clock.advance(timedelta(days=7))
    erasure.tidy(home.context.database, home.context.files, home.clock.now)
    assert home.rows(waiting_signups) == home.rows(subscribers) == []


def test_what_the_owner_lets_go_leaves_at_once_and_what_is_deleted_leaves_no_trace(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    database = home.context.database
    suspect(home, "robot@example.org", WhyWaiting.ROBOT)
    suspect(home, "anna@example.org", WhyWaiting.HURRIED)
    assert waiting_line.let_go(database, WaitingChoice(why="hurried"), home.clock.now) == 1
    assert waiting_line.drop(database, WaitingChoice(domain="example.org", why="robot")) == 1
    home.deliver()
    assert [mail.recipients for mail in smtp_sink.mails] == [("anna@example.org",)]
    assert [row["address"] for row in home.rows(subscribers)] == ["anna@example.org"]


def test_two_workers_that_let_the_same_people_in_send_each_one_guide(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    for number in range(8):
        suspect(home, f"p{number}@example.org", WhyWaiting.ROBOT)
    context = home.context
    waiting_line.let_go(context.database, WaitingChoice(), home.clock.now)
    args = (*context.stored, 60, home.clock.now)
    workers = [threading.Thread(target=waiting_line.let_in, args=args) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    home.deliver()
    assert len(smtp_sink.mails) == len(home.rows(signups)) == 8


def test_someone_who_left_in_the_meantime_is_not_signed_up_again(home: Installation) -> None:
    suspect(home, "anna@example.org", WhyWaiting.ROBOT)
    home.clock.advance(MINUTE)
    home.subscribe("anna@example.org")
    context, person = home.context, home.person("anna@example.org")
    erasure.forget(context.database, context.files, person["id"], home.clock.now)
    assert home.rows(waiting_signups) == []


def test_one_person_waits_once_for_a_form(home: Installation) -> None:
    for _ in range(3):
        suspect(home, "anna@example.org", WhyWaiting.UNPROVEN)
    assert len(home.rows(waiting_signups)) == 1


def test_a_robot_that_came_first_does_not_keep_the_person_waiting(home: Installation) -> None:
    suspect(home, "anna@example.org", WhyWaiting.ROBOT)
    suspect(home, "anna@example.org", WhyWaiting.HURRIED)
    suspect(home, "anna@example.org", WhyWaiting.ROBOT)
    assert [row["why"] for row in home.rows(waiting_signups)] == ["hurried"]
    home.clock.advance(MINUTE * 6)
    home.deliver()
    home.clock.advance(MINUTE)
    home.deliver()
    assert [row["address"] for row in home.rows(subscribers)] == ["anna@example.org"]


def test_the_websites_own_word_takes_the_place_of_a_strangers(home: Installation) -> None:
    suspect(home, "anna@example.org", WhyWaiting.UNPROVEN)
    vouched = SignupArrival(visitor="198.51.100.1", suspected=WhyWaiting.FLOOD)
    home.subscribe("anna@example.org", first_name="Anna", arrival=vouched)
    suspect(home, "anna@example.org", WhyWaiting.UNPROVEN)
    [waiting] = home.rows(waiting_signups)
    assert (waiting["first_name"], waiting["vouched"], waiting["near"]) == (
        "Anna",
        True,
        "198.51.100.1/32",
    )


def test_a_number_that_nothing_has_means_nothing_and_not_everything(home: Installation) -> None:
    suspect(home, "anna@example.org", WhyWaiting.ROBOT)
    assert waiting_line.drop(home.context.database, WaitingChoice(number=0)) == 0
    assert waiting_line.let_go(home.context.database, WaitingChoice(number=0), home.clock.now) == 0
    assert len(home.rows(waiting_signups)) == 1


def test_a_repeated_call_of_a_signup_that_waits_changes_nothing(home: Installation) -> None:
    arrival = SignupArrival(suspected=WhyWaiting.ROBOT)
    for _ in range(2):
        home.subscribe("anna@example.org", key="k", digest="d", arrival=arrival)
    waiting_line.drop(home.context.database, WaitingChoice())
    home.subscribe("anna@example.org", key="k", digest="d", arrival=arrival)
    assert home.rows(waiting_signups) == []


def test_a_signup_for_a_form_that_is_gone_waits_for_it_to_come_back(home: Installation) -> None:
    suspect(home, "anna@example.org", WhyWaiting.ROBOT)
    context = home.context
    with context.database.writing() as connection:
        connection.execute(waiting_signups.update().values(form="gone"))
    waiting_line.let_go(context.database, WaitingChoice(), home.clock.now)
    assert waiting_line.let_in(*context.stored, 60, home.clock.now) == 0
    [waiting] = home.rows(waiting_signups)
    assert waiting["ready_at"] == home.clock.now + timedelta(days=1)


def test_a_waiting_signup_is_the_signup_that_was_sent(home: Installation) -> None:
    suspect(home, "anna@example.org", WhyWaiting.ROBOT)
    [waiting] = waiting_line.survey_waiting(home.context.database, WaitingChoice()).signups
    signup = waiting_line.as_signup(waiting)
    assert signup == Signup(
        "pain-guide",
        "anna@example.org",
        ticked=(Purpose.NEWS,),
        wordings={Purpose.NEWS: "News, yes."},
        said_at=home.clock.now,
        arrival=SignupArrival(vouched=False, visitor=""),
    )
