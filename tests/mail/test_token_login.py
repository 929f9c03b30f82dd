"""Logging in to a mail server with an access token, by either mechanism, accepted and refused."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from nurture.domain.errors import NurtureError
from nurture.domain.messages.refusal import Blame, Cause
from nurture.domain.messages.status import MessageStatus
from nurture.mail.login import AccessTokenUnavailableError, GrantLapsedError
from nurture.mail.mailer import Outcome
from nurture.mail.smtp.route import SmtpRoute
from nurture.mail.smtp.sending import SmtpMailer
from tests.mail.offering import envelopes
from tests.mail.scripted_server import ScriptedServer
from tests.presence import at_least_one
from tests.servers.token_smtp import TokenSink

PAUL = "paul@practice.example"
ACCEPTED, DEFERRED = MessageStatus.ACCEPTED, MessageStatus.DEFERRED


@dataclass
class Purse:
    """Access tokens that are handed out in order; an error in their place is raised."""

    tokens: list[str | NurtureError]
    refused: list[str] = field(default_factory=list)

    def current(self) -> str:
        return self._first()

    def renewed(self, refused: str) -> str:
        self.refused.append(refused)
        if len(self.tokens) > 1:
            self.tokens.pop(0)
        return self._first()

    def _first(self) -> str:
        first = self.tokens[0]
        if isinstance(first, NurtureError):
            raise first
        return first


@pytest.fixture
def sink() -> Iterator[TokenSink]:
    with TokenSink(PAUL, lambda token: token == "good") as server:
        yield server


def offered(url: str, purse: Purse, count: int = 3) -> list[Outcome]:
    sending = SmtpMailer(SmtpRoute.from_url(url), timeout=5.0, connections=1, tokens=purse)
    try:
        return list(sending.offer(envelopes(count)))
    finally:
        sending.close()


@pytest.mark.parametrize("wish", ["xoauth2", "oauthbearer"])
@pytest.mark.parametrize("offers", [("XOAUTH2",), ("OAUTHBEARER",), ("XOAUTH2", "OAUTHBEARER")])
def test_the_mechanism_that_the_server_offers_is_used(wish: str, offers: tuple[str, ...]) -> None:
    with TokenSink(PAUL, lambda token: token == "good", offers) as sink:
        url = sink.token_url.replace("xoauth2", wish)
        assert {one.status for one in offered(url, Purse(["good"]))} == {ACCEPTED}
        assert sink.logins == [wish.upper() if wish.upper() in offers else offers[0]]


def test_a_user_name_with_an_equals_sign_and_a_comma_arrives_whole() -> None:
    with TokenSink("a=b,c@practice.example", lambda _: True, ["OAUTHBEARER"]) as sink:
        [outcome] = offered(sink.token_url, Purse(["good"]), 1)
        assert outcome.status is ACCEPTED


@pytest.mark.parametrize(("offers", "answer"), [("XOAUTH2", b""), ("OAUTHBEARER", b"\x01")])
def test_a_refused_token_is_heard_to_the_end_and_is_about_the_account(
    offers: str, answer: bytes
) -> None:
    with TokenSink(PAUL, lambda _: False, [offers]) as sink:
        purse = Purse(["stale", "stale too"])
        outcomes = offered(sink.token_url, purse)
        assert sink.acknowledged == [answer, answer]
    for one in at_least_one(outcomes):
        assert one.status is DEFERRED
        assert one.refusal is not None and one.refusal.cause is Cause.LOGIN
        assert "535 5.7.8" in one.reason and "is the account that was connected" in one.reason
        assert "stale" not in one.reason
    assert purse.refused == ["stale"]


def test_a_token_that_was_withdrawn_early_is_renewed_before_it_counts(sink: TokenSink) -> None:
    purse = Purse(["withdrawn", "good"])
    assert {one.status for one in offered(sink.token_url, purse)} == {ACCEPTED}
    assert purse.refused == ["withdrawn"]
    assert sink.tries == 2


def test_the_same_token_is_not_shown_twice(sink: TokenSink) -> None:
    outcomes = offered(sink.token_url, Purse(["only"]))
    assert {one.about_the_account for one in outcomes} == {True}
    assert sink.tries == 1


def test_a_lapsed_grant_is_about_the_account_and_says_what_to_do(sink: TokenSink) -> None:
    lapsed = GrantLapsedError("It has lapsed.", remedy="Connect the account again.")
    outcomes = offered(sink.token_url, Purse([lapsed]))
    assert sink.tries == 0
    for one in at_least_one(outcomes):
        assert one.status is DEFERRED
        assert one.refusal is not None
        assert (one.refusal.blame, one.refusal.cause) == (Blame.ACCOUNT, Cause.LOGIN)
        assert one.reason == "It has lapsed. Connect the account again."


def test_a_grant_that_turns_out_to_have_lapsed_after_a_refusal_is_told(sink: TokenSink) -> None:
    lapsed = GrantLapsedError("It has lapsed.", remedy="Connect the account again.")
    [outcome] = offered(sink.token_url, Purse(["withdrawn", lapsed]), 1)
    assert outcome.reason == "It has lapsed. Connect the account again."


@pytest.mark.parametrize("before", [[], ["withdrawn"]])
def test_a_login_service_that_is_away_is_like_a_mail_server_that_is_away(
    sink: TokenSink, before: list[str | NurtureError]
) -> None:
    away = AccessTokenUnavailableError("It is away.", remedy="It is asked again.")
    for one in at_least_one(offered(sink.token_url, Purse([*before, away]))):
        assert one.answer.is_silence
        assert not one.about_the_account


def test_a_server_without_token_login_is_named_and_nothing_fails() -> None:
    with ScriptedServer(extensions=["AUTH PLAIN LOGIN"]) as server:
        url = server.url.replace("//", "//paul@") + "?auth=xoauth2"
        [outcome] = offered(url, Purse(["good"]), 1)
    assert outcome.status is DEFERRED
    assert "XOAUTH2 or OAUTHBEARER" in outcome.reason


def test_a_server_that_quotes_the_login_does_not_spread_the_token() -> None:
    token = "ya29." + "s3cret" * 20
    quoting = f"500 5.5.1 Unrecognized: AUTH XOAUTH2 {token}"
    with ScriptedServer({"AUTH": quoting}, extensions=["AUTH XOAUTH2"]) as server:
        url = server.url.replace("//", "//paul@") + "?auth=xoauth2"
        [outcome] = offered(url, Purse([token]), 1)
        [visit] = server.visits
        assert re.match(r"AUTH XOAUTH2 \S{100,}", visit.commands[1])
    assert "s3cret" not in outcome.reason


def test_a_server_that_challenges_without_end_is_left() -> None:
    with ScriptedServer({"AUTH": "334 bW9yZQ=="}, extensions=["AUTH XOAUTH2"]) as server:
        url = server.url.replace("//", "//paul@") + "?auth=xoauth2"
        [outcome] = offered(url, Purse(["good"]), 1)
    assert outcome.status is DEFERRED


def test_a_token_is_not_sent_unencrypted_to_another_machine() -> None:
    route = SmtpRoute.from_url("smtp://paul%40practice.example@smtp.example.org?auth=xoauth2")
    assert (route.user, route.port, route.starttls) == (PAUL, 587, "required")
