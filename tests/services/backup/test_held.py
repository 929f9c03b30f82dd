"""Messages in progress at a backup are held like due ones, and the owner decides."""

from sqlalchemy import update

from nurture.services.backup import held
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from tests.installation import Installation
from tests.servers.smtp import SmtpSink


def test_messages_in_hand_at_the_backup_are_held_and_offered_again_on_request(
    home: Installation, smtp_sink: SmtpSink
) -> None:
    for name in ("ann", "ben"):
        home.subscribe(f"{name}@example.org")
    home.deliver()
    with home.context.database.writing() as connection:
        in_hand = {"next_look_at": None, "guide_wanted": True, "passed": ()}
        connection.execute(update(enrolments).values(in_hand))
        for number, status in ((1, "sending"), (2, "claimed")):
            one = update(messages).where(messages.c.id == number)
            connection.execute(one.values(status=status, accepted_at=None))
    context = home.context
    held.hold_missed(context.database, context.catalogue, home.clock.now)
    assert [m["status"] for m in home.rows(messages)] == ["in_doubt", "deferred"]
    assert held.count_held(context.database) == 2
    assert home.deliver() == 0
    ann, ben = (home.enrolment(f"{name}@example.org")["id"] for name in ("ann", "ben"))
    held.let_go_on(context.database, [ben], home.clock.now)
    assert home.deliver() == 1
    held.let_go_on(context.database, [ann], home.clock.now)
    assert home.deliver() == 1
    first, second = (mail.message["Message-ID"] for mail in smtp_sink.mails[-2:])
    assert {first, second} == {mail.message["Message-ID"] for mail in smtp_sink.mails[:2]}
