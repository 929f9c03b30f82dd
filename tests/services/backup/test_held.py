"""What was in hand when a backup was made is held like what was due, and the owner decides."""

from sqlalchemy import update

from nurture.services.backup import held
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from tests.house import Household
from tests.servers.smtp import SmtpSink


def test_what_was_in_hand_at_the_backup_is_held_and_offered_once_more_on_request(
    home: Household, smtp_sink: SmtpSink
) -> None:
    for name in ("ann", "ben"):
        home.subscribe(f"{name}@example.org")
    home.deliver()
    with home.house.database.writing() as connection:
        in_hand = {"next_look_at": None, "guide_wanted": True, "passed": ()}
        connection.execute(update(enrolments).values(in_hand))
        for number, status in ((1, "sending"), (2, "claimed")):
            one = update(messages).where(messages.c.id == number)
            connection.execute(one.values(status=status, accepted_at=None))
    house = home.house
    held.hold_missed(house.database, house.catalogue, home.clock.now)
    assert [m["status"] for m in home.rows(messages)] == ["in_doubt", "deferred"]
    assert held.count_held(house.database) == 2
    assert home.deliver() == 0
    ann, ben = (home.enrolment(f"{name}@example.org")["id"] for name in ("ann", "ben"))
    held.let_go_on(house.database, [ben], home.clock.now)
    assert home.deliver() == 1
    held.let_go_on(house.database, [ann], home.clock.now)
    assert home.deliver() == 1
    first, second = (mail.message["Message-ID"] for mail in smtp_sink.mails[-2:])
    assert {first, second} == {mail.message["Message-ID"] for mail in smtp_sink.mails[:2]}
