"""What one SMTP session promises about every envelope, however the server behaves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from nurture.domain.messages.status import MessageStatus
from nurture.mail.mailer import Envelope, Outcome
from nurture.mail.smtp.conversation import Conversation, dot_stuffed
from nurture.mail.smtp.replies import GarbledReplyError, Reply, ReplyReader
from tests.presence import at_least_one

ACCEPTED, DEFERRED = MessageStatus.ACCEPTED, MessageStatus.DEFERRED
FAILED, IN_DOUBT = MessageStatus.FAILED, MessageStatus.IN_DOUBT

DATA = b"Subject: hello\r\n\r\nHow are you?\r\n"
OPENING = b"MAIL FROM:<paul@example.org>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n"
YES = b"250 2.1.0 ok\r\n"
GO_ON = b"354 go on\r\n"


def envelope(number: int = 1, recipient: str = "a@example.org", data: bytes = DATA) -> Envelope:
    return Envelope(number, "paul@example.org", recipient, data)


def started(*numbers: int, pipelining: bool = True) -> Conversation:
    """Return a conversation that has taken all the envelopes it would, and written all it had."""
    conversation = Conversation("mail.example.org", pipelining=pipelining)
    for number in at_least_one(numbers):
        assert conversation.wants_envelope
        conversation.take(envelope(number))
        written(conversation)
    return conversation


def written(conversation: Conversation) -> bytes:
    """Write everything there is to write, and return it."""
    data = conversation.outgoing()
    conversation.wrote(len(data))
    return data


def handed_over(number: int = 1) -> Conversation:
    """Return a conversation that has written a whole message and awaits the answer."""
    conversation = started(number)
    conversation.receive(YES + YES + GO_ON)
    written(conversation)
    return conversation


def test_pipelining_sends_the_three_commands_in_one_write() -> None:
    conversation = Conversation("mail.example.org", pipelining=True)
    conversation.take(envelope())
    assert conversation.outgoing() == OPENING
    assert conversation.outgoing() == b""


def test_the_content_the_final_dot_and_the_next_commands_go_out_in_one_write() -> None:
    conversation = started(1)
    assert conversation.receive(YES + YES + GO_ON) == []
    assert conversation.wants_envelope
    conversation.take(envelope(2))
    assert conversation.outgoing() == DATA + b".\r\n" + OPENING


def test_at_most_one_message_is_written_ahead() -> None:
    conversation = started(1)
    assert not conversation.wants_envelope
    conversation.receive(YES + YES + GO_ON)
    conversation.take(envelope(2))
    assert not conversation.wants_envelope


def test_every_command_waits_for_its_answer_without_pipelining() -> None:
    conversation = Conversation("mail.example.org", pipelining=False)
    conversation.take(envelope())
    said = [written(conversation)]
    for reply in (YES, YES, GO_ON):
        assert conversation.receive(reply) == []
        assert not conversation.wants_envelope
        said.append(written(conversation))
    assert said == [*OPENING.splitlines(keepends=True), DATA + b".\r\n"]
    assert conversation.receive(YES)[0].status is ACCEPTED
    assert conversation.wants_envelope


def test_an_acceptance_records_the_servers_words() -> None:
    [outcome] = handed_over(7).receive(b"250 2.0.0 queued as 4711\r\n")
    assert outcome == Outcome(7, ACCEPTED, "250 2.0.0 queued as 4711", 250, handed_over=True)


@pytest.mark.parametrize("code", [b"421", b"450", b"451", b"452"])
def test_a_temporary_answer_after_the_dot_defers_the_message(code: bytes) -> None:
    [outcome] = handed_over().receive(code + b" 4.3.0 later\r\n")
    assert (outcome.status, outcome.code) == (DEFERRED, int(code))


@pytest.mark.parametrize("code", [b"550", b"552", b"554"])
def test_a_permanent_refusal_of_the_content_fails_without_blaming_the_address(code: bytes) -> None:
    [outcome] = handed_over().receive(code + b" 5.6.0 no\r\n")
    assert (outcome.status, outcome.address_refused) == (FAILED, False)


@pytest.mark.parametrize("code", [b"550", b"552", b"554"])
def test_an_unknown_user_error_after_the_dot_defers_the_message(code: bytes) -> None:
    [outcome] = handed_over().receive(code + b" 5.1.1 no\r\n")
    assert (outcome.status, outcome.address_refused) == (DEFERRED, False)


@pytest.mark.parametrize(
    ("answer", "dead"),
    [
        (b"550 no such user", True),
        (b"551 user not local", False),
        (b"553 mailbox name not allowed", False),
        (b"550 5.1.1 no such user", True),
        (b"554 5.1.1 no such user", True),
        (b"550 5.1.10 null MX", True),
        (b"550 5.2.1 mailbox disabled", True),
        (b"550 5.5.0 mailbox unavailable", False),
        (b"550-5.1.1 no such\r\n550 5.1.1 user", True),
        (b"552 5.2.2 mailbox full", False),
        (b"550 5.2.2 mailbox full", False),
        (b"550 5.7.1 relaying denied", False),
        (b"550 5.3.4 too big for the system", False),
        (b"550 5.4.1 no answer from host", False),
        (b"550 5.1.7 sender's address is bad", False),
        (b"550 5.1.8 sender's domain is bad", False),
        (b"550 relay not permitted", False),
        (b"550 blocked by Spamhaus", False),
        (b"554 transaction failed", False),
        (b"552 too much mail", False),
        (b"500 what?", False),
    ],
)
def test_a_refused_recipient_is_suppressed_only_if_the_address_is_to_blame(
    answer: bytes, dead: bool
) -> None:
    conversation = started(1)
    [outcome] = conversation.receive(YES + answer + b"\r\n503 5.5.1 no recipients\r\n")
    assert (outcome.status is FAILED) >= dead
    assert outcome.address_refused == dead
    assert outcome.code == int(answer[:3])
    assert answer.splitlines()[-1][4:].decode() in outcome.reason


def test_a_refused_sender_defers_the_message_once_and_blames_the_account() -> None:
    conversation = started(1)
    outcomes = conversation.receive(b"550 5.1.1 no\r\n503 no sender\r\n503 no recipients\r\n")
    assert [(o.status, o.code, o.about_the_account) for o in outcomes] == [(DEFERRED, 550, True)]
    assert conversation.idle


def test_a_refusal_resets_the_session_for_the_next_message() -> None:
    conversation = started(1)
    conversation.receive(YES + b"550 5.1.1 no\r\n503 no recipients\r\n")
    conversation.take(envelope(2))
    assert written(conversation) == b"RSET\r\n" + OPENING
    conversation.receive(YES + YES + YES + GO_ON)
    assert written(conversation) == DATA + b".\r\n"


def test_a_reset_waits_for_its_answer_without_pipelining() -> None:
    conversation = started(1, pipelining=False)
    conversation.receive(YES)
    written(conversation)
    conversation.receive(b"450 4.2.1 later\r\n")
    conversation.take(envelope(2))
    assert written(conversation) == b"RSET\r\n"
    conversation.receive(YES)
    assert written(conversation).startswith(b"MAIL")


def test_no_reset_is_sent_if_the_server_holds_nothing() -> None:
    conversation = started(1)
    conversation.receive(b"451 later\r\n503 no\r\n503 no\r\n")
    conversation.take(envelope(2))
    assert conversation.outgoing() == OPENING


def test_a_server_that_continues_without_recipients_gets_an_empty_message() -> None:
    conversation = started(1)
    outcomes = conversation.receive(YES + b"550 5.1.1 no\r\n" + GO_ON)
    assert [o.status for o in outcomes] == [FAILED]
    assert written(conversation) == b".\r\n"
    assert not conversation.idle
    assert conversation.receive(b"554 no valid recipients\r\n") == []
    assert conversation.idle


def test_a_refusal_stands_even_if_the_empty_message_is_accepted() -> None:
    conversation = started(1)
    [refused] = conversation.receive(YES + b"451 4.7.1 greylisted\r\n" + GO_ON)
    written(conversation)
    assert conversation.receive(YES) == []
    assert (refused.status, refused.code) == (DEFERRED, 451)
    assert conversation.wants_envelope


@pytest.mark.parametrize("answered", range(3))
def test_a_connection_lost_before_the_content_defers_the_message(answered: int) -> None:
    conversation = started(1)
    conversation.receive(YES * answered)
    [outcome] = conversation.lost("the server hung up")
    assert outcome.status is DEFERRED
    assert "the server hung up" in outcome.reason


@pytest.mark.parametrize("short", [0, 1, 3, 4, 30])
def test_a_message_is_in_doubt_only_if_a_byte_of_the_final_dot_was_sent(short: int) -> None:
    """The last three bytes are the dot's line; without its first byte nothing is accepted."""
    conversation = started(1)
    conversation.receive(YES + YES + GO_ON)
    conversation.wrote(len(conversation.outgoing()) - short)
    [outcome] = conversation.lost("the server hung up")
    assert outcome.status is (IN_DOUBT if short < 3 else DEFERRED)


def test_uncounted_bytes_that_may_have_been_sent_put_the_message_in_doubt() -> None:
    conversation = started(1)
    conversation.receive(YES + YES + GO_ON)
    conversation.wrote(len(conversation.outgoing()) - 5)
    assert conversation.lost("the server hung up", unsure=5)[0].status is IN_DOUBT


def test_a_message_written_ahead_is_deferred_if_the_connection_is_lost() -> None:
    conversation = started(1)
    conversation.receive(YES + YES + GO_ON)
    conversation.take(envelope(2))
    written(conversation)
    outcomes = conversation.lost("the server hung up")
    assert {o.message: o.status for o in outcomes} == {1: IN_DOUBT, 2: DEFERRED}


def test_an_acceptance_received_before_the_loss_stands() -> None:
    conversation = handed_over()
    assert conversation.receive(YES)[0].status is ACCEPTED
    assert conversation.lost("the server hung up") == []


@pytest.mark.parametrize(
    "garbage", [b"hello\r\n", b"\x00\xff\r\n", b"2500 ok\r\n", b"250x\r\n", b"999 ok\r\n", b"\r\n"]
)
@pytest.mark.parametrize("heard", [b"", YES, YES + YES, YES + YES + GO_ON])
def test_a_garbled_answer_defers_before_the_dot_and_is_in_doubt_after_it(
    heard: bytes, garbage: bytes
) -> None:
    conversation = started(1)
    conversation.receive(heard)
    written(conversation)
    [outcome] = conversation.receive(garbage)
    assert outcome.status is (IN_DOUBT if heard.endswith(GO_ON) else DEFERRED)
    assert conversation.ended is not None
    assert not conversation.wants_envelope


@pytest.mark.parametrize("answer", [b"354 go on\r\n", b"250-ok\r\n354 go on\r\n"])
def test_an_unexpected_answer_is_a_fault(answer: bytes) -> None:
    assert handed_over().receive(answer)[0].status is IN_DOUBT
    assert started(1).receive(answer)[0].status is DEFERRED


def test_a_positive_answer_to_data_other_than_354_is_a_fault() -> None:
    conversation = started(1)
    assert conversation.receive(YES + YES + YES)[0].status is DEFERRED
    assert conversation.outgoing() == b""


def test_an_acceptance_before_the_dot_was_written_is_not_believed() -> None:
    conversation = started(1)
    conversation.receive(YES + YES + GO_ON)
    conversation.wrote(len(conversation.outgoing()) - 10)
    [outcome] = conversation.receive(YES)
    assert outcome.status is DEFERRED
    assert conversation.ended is not None


@pytest.mark.parametrize(("answer", "status"), [(b"452 4.3.1", DEFERRED), (b"552 5.3.4", FAILED)])
def test_a_refusal_during_the_content_is_believed(answer: bytes, status: MessageStatus) -> None:
    conversation = started(1)
    conversation.receive(YES + YES + GO_ON)
    conversation.wrote(len(conversation.outgoing()) - 10)
    [outcome] = conversation.receive(answer + b" too much\r\n")
    assert (outcome.status, outcome.code) == (status, int(answer[:3]))
    assert conversation.ended is not None


def test_a_421_defers_the_answered_message_and_returns_the_one_written_ahead() -> None:
    conversation = started(1)
    conversation.receive(YES + YES + GO_ON)
    conversation.take(envelope(2))
    written(conversation)
    outcomes = conversation.receive(b"421 4.3.2 going down\r\n")
    assert {o.message: o.status for o in outcomes} == {1: DEFERRED}
    assert [e.message for e in conversation.unmet] == [2]
    assert "421 4.3.2 going down" in str(conversation.ended)


def test_a_421_after_an_acceptance_does_not_change_it() -> None:
    conversation = started(1)
    conversation.receive(YES + YES + GO_ON)
    conversation.take(envelope(2))
    written(conversation)
    outcomes = conversation.receive(YES + b"421 4.3.2 going down\r\n")
    assert {o.message: o.status for o in outcomes} == {1: ACCEPTED}
    assert [e.message for e in conversation.unmet] == [2]


def test_a_server_that_requires_a_login_fails_no_message() -> None:
    [outcome] = started(1).receive(b"530 5.7.0 Authentication required\r\n")
    assert (outcome.status, outcome.code) == (DEFERRED, None)
    assert "NURTURE_SMTP_URL" in outcome.reason


@pytest.mark.parametrize("news", [b"421 4.4.2 idle too long\r\n", b"hello\r\n", None])
def test_a_dead_idle_session_returns_its_message_unharmed(news: bytes | None) -> None:
    conversation = handed_over()
    conversation.receive(YES)
    conversation.rest()
    conversation.take(envelope(2))
    written(conversation)
    outcomes = conversation.receive(news) if news else conversation.lost("the server hung up")
    assert outcomes == []
    assert [e.message for e in conversation.unmet] == [2]


def test_an_idle_session_that_has_answered_is_an_ordinary_session_again() -> None:
    conversation = handed_over()
    conversation.receive(YES)
    conversation.rest()
    conversation.take(envelope(2))
    written(conversation)
    conversation.receive(YES)
    assert [o.message for o in conversation.lost("the server hung up")] == [2]
    assert conversation.unmet == []


def test_an_unsolicited_reply_ends_an_idle_session() -> None:
    conversation = Conversation("mail.example.org", pipelining=True)
    assert conversation.receive(b"421 idle too long\r\n") == []
    assert conversation.ended is not None


def test_an_answer_may_arrive_in_pieces_and_span_several_lines() -> None:
    reader = ReplyReader()
    pieces = [b"25", b"0-one\r", b"\n250-two", b"\r\n250 thr", b"ee\r\n250\r\n354 go\n"]
    replies = [reply for piece in pieces for reply in reader.feed(piece)]
    assert replies == [Reply(250, "one two three"), Reply(250, ""), Reply(354, "go")]


@pytest.mark.parametrize("endless", [b"2" * 5000, b"250-a\r\n" * 200, b"250 " + b"a" * 5000])
def test_an_endless_answer_is_abandoned(endless: bytes) -> None:
    with pytest.raises(GarbledReplyError):
        list(ReplyReader().feed(endless))


def test_control_characters_from_the_server_are_made_printable() -> None:
    [reply] = ReplyReader().feed(b"550 no\x1b[31m such\x00user\x9b\xff\r\n")
    assert str(reply).isprintable()


lines = st.lists(
    st.sampled_from([b"", b".", b"..", b".a", b"a", b"a.", b".\r", b"\n."]), max_size=8
)


@given(lines.map(b"\r\n".join))
def test_dot_stuffed_content_never_ends_early_and_is_read_back_unchanged(data: bytes) -> None:
    stuffed = dot_stuffed(data)
    assert stuffed.endswith(b"\r\n")
    wire = b"\r\n" + stuffed + b".\r\n"
    assert wire.find(b"\r\n.\r\n") == len(wire) - 5
    assert re.search(rb"\n\.\r?\n", stuffed) is None
    unstuffed = re.sub(rb"(^|\n)\.", rb"\1", stuffed)
    assert unstuffed == (data if data.endswith(b"\r\n") else data + b"\r\n")


def test_content_without_dots_is_not_copied() -> None:
    data = b"hello\r\n" * 1000
    assert dot_stuffed(data) is data


@dataclass
class ModelServer:
    """A strict in-memory server that obeys the RFC, apart from the whims it is given.

    It sees only the bytes delivered to it, so what it accepted is the truth against which
    outcomes are checked.
    """

    whims: Iterator[str]
    taken: dict[bytes, bytes] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    closed: bool = False
    _in: bytes = b""
    _sender: bool = False
    _recipient: bytes = b""
    _content: bool = False

    def deliver(self, data: bytes) -> bytes:
        """Receive bytes and return the answers to them."""
        self._in += data
        answers = b""
        while not self.closed and (answer := self._step()):
            answers += answer
        return answers

    def _step(self) -> bytes:
        end = b"\r\n.\r\n" if self._content else b"\r\n"
        piece, found, rest = self._in.partition(end)
        if not found:
            return b""
        self._in = rest
        whim = next(self.whims, "yes")
        if whim == "421":
            self.closed = True
            return b"421 4.3.2 going down\r\n"
        return self._finish(piece, whim) if self._content else self._obey(piece, whim)

    def _finish(self, content: bytes, whim: str) -> bytes:
        self._content = self._sender = False
        if not self._recipient:
            return b"554 no valid recipients\r\n"
        if whim != "yes":
            return whim.encode() + b" 4.3.0 no\r\n"
        if self._recipient in self.taken:
            self.complaints.append("the same message twice")
        self.taken[self._recipient] = content[2:].replace(b"\r\n..", b"\r\n.") + b"\r\n"
        return YES

    def _obey(self, line: bytes, whim: str) -> bytes:
        verb, refusal = line[:4], whim.encode() + b" no\r\n"
        if verb == b"RSET":
            self._sender = False
            return YES
        if verb == b"MAIL":
            if self._sender:
                self.complaints.append("nested MAIL")
            self._sender, self._recipient = whim == "yes", b""
            return YES if self._sender else refusal
        if not self._sender:
            return b"503 5.5.1 no sender\r\n"
        return self._address(line, whim) if verb == b"RCPT" else self._go_on(whim)

    def _address(self, line: bytes, whim: str) -> bytes:
        self._recipient = line[9:-1] if whim == "yes" else b""
        return YES if self._recipient else whim.encode() + b" no\r\n"

    def _go_on(self, whim: str) -> bytes:
        if whim != "yes":
            return whim.encode() + b" no\r\n"
        self._content, self._in = True, b"\r\n" + self._in
        return GO_ON


@dataclass
class Wire:
    """A link that carries bytes in pieces between a conversation and a server, until it breaks."""

    conversation: Conversation
    server: ModelServer
    sizes: Iterator[int]
    patience: int
    outcomes: list[Outcome] = field(default_factory=list)

    def carry(self) -> bool:
        """Write everything there is to write; return False if nothing more can be done."""
        outgoing = self.conversation.outgoing()
        for piece in self._pieces(outgoing):
            self.conversation.wrote(len(piece))
            for answer in self._pieces(self.server.deliver(piece)):
                self.outcomes += self.conversation.receive(answer)
        return bool(outgoing) and self._whole

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        while data and self._whole:
            size = next(self.sizes, 999)
            self.patience -= 1
            yield data[:size]
            data = data[size:]

    @property
    def _whole(self) -> bool:
        return self.patience > 0 and self.conversation.ended is None


letters = st.lists(st.sampled_from([b"", b".", b"..", b".a", b"a", b"a."]), max_size=5).map(
    lambda content: b"Subject: x\r\n\r\n" + b"".join(line + b"\r\n" for line in content)
)


@given(
    letters=st.lists(letters, min_size=1, max_size=6),
    whims=st.lists(st.sampled_from(["yes"] * 6 + ["451", "550", "421"]), max_size=40),
    sizes=st.lists(st.integers(1, 200), max_size=60),
    patience=st.integers(1, 30),
    pipelining=st.booleans(),
)
def test_every_envelope_gets_one_true_outcome_or_is_returned(
    letters: list[bytes], whims: list[str], sizes: list[int], patience: int, pipelining: bool
) -> None:
    conversation = Conversation("mail.example.org", pipelining=pipelining)
    wire = Wire(conversation, ModelServer(iter(whims)), iter(sizes), patience)
    waiting = [envelope(n, f"r{n}@example.org", data) for n, data in enumerate(letters)]
    offered: list[Envelope] = []
    going = True
    while going:
        while conversation.wants_envelope and waiting:
            offered.append(waiting.pop(0))
            conversation.take(offered[-1])
        going = wire.carry()
    outcomes = wire.outcomes + conversation.lost("the line went dead")

    unmet = [e.message for e in conversation.unmet]
    assert sorted([*(o.message for o in outcomes), *unmet]) == [e.message for e in offered]
    assert all(offered[n].recipient.encode() not in wire.server.taken for n in unmet)
    assert wire.server.complaints == []

    def is_true(outcome: Outcome) -> bool:
        event(outcome.status)
        sent = offered[outcome.message]
        taken = wire.server.taken.get(sent.recipient.encode())
        if outcome.status is IN_DOUBT:
            return taken in (sent.data, None)
        return taken == (sent.data if outcome.status is ACCEPTED else None)

    assert all(map(is_true, outcomes))
