"""Which states of a message are final."""

from nurture.domain.messages.status import SETTLED, TAKEN, MessageStatus


def test_a_message_the_mail_server_may_still_receive_is_not_settled() -> None:
    open_still = set(MessageStatus) - SETTLED
    assert open_still == {"claimed", "sending", "deferred", "in_doubt"}


def test_a_message_the_mail_server_accepted_is_never_offered_again() -> None:
    assert {"accepted", "delivered", "bounced", "complained"} == TAKEN
    assert TAKEN < SETTLED
