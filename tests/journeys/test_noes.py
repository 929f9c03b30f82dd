"""Stories of opt-outs never lost, and of addresses that work again, on a moved clock."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from nurture.cli import main
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.tracking.events import EventKind
from nurture.services.profile.explanation import explain
from nurture.services.subscribers import bounce_lifting, erasure
from nurture.services.subscribers.preferences import resubscribe
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.events import events
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import suppressions
from nurture.tokens import Tokens
from tests.installation import Installation, link_in
from tests.installations import ScriptedSink
from tests.journeys.steps import collect, live_with_upkeep, sign_up
from tests.servers.smtp import Mail
from tests.vocabulary import news, tell

ERIN = "erin@example.org"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
NO_MORE = "You will get no more emails from us"
ERASED = "We no longer hold anything about you."


def reasons(home: Installation) -> list[str]:
    """Return the reasons for which addresses are suppressed."""
    return sorted(row["reason"] for row in home.rows(suppressions))


def let_go(home: Installation, smtp_sink: ScriptedSink) -> Mail:
    """Let Erin fail to collect and be removed; the reminder is what she still has."""
    sign_up(home, ERIN)
    live_with_upkeep(home, 31)
    assert home.rows(subscribers)[0]["address"] is None
    return smtp_sink.mails_to(ERIN)[-1]


def bounce(home: Installation, address: str) -> None:
    """Report, as the provider, that there is no such mailbox."""
    message = home.messages_of(address)[-1]["id"]
    at = home.clock.now
    told = news(
        home, EventKind.BOUNCED, at, address=address, message=message, permanent=True, reason="550"
    )
    tell(home, [told])


def deliver_news(home: Installation, address: str) -> None:
    """Report, as the provider, that the newest email was delivered."""
    message = home.messages_of(address)[-1]["id"]
    tell(home, [news(home, EventKind.DELIVERED, home.clock.now, message=message)])


def test_an_opt_out_by_an_erased_signups_link_blocks_later_signups_of_the_address(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    mail = let_go(home, smtp_sink)
    target = urlsplit(str(mail.message["List-Unsubscribe"]).strip("<>")).path
    before = home.everything()
    assert home.client.get(target).status_code == 200
    assert home.everything() == before
    answer = home.client.post(target, data=ONE_CLICK)
    assert answer.status_code == 200
    assert NO_MORE in answer.text
    assert home.client.post(target, data=ONE_CLICK).status_code == 200
    assert reasons(home) == ["unsubscribed"]
    had = len(smtp_sink.mails)
    sign_up(home, ERIN)
    sign_up(home, ERIN, "over-50-guide")
    home.live(days=60)
    assert len(smtp_sink.mails) == had


def test_erin_returns_and_can_still_unsubscribe_by_the_old_link(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    old = let_go(home, smtp_sink)
    sign_up(home, ERIN)
    collect(home, smtp_sink, ERIN)
    assert home.press(link_in(old, "unsubscribe")).status_code == 200
    assert home.enrolment(ERIN)["status"] == EnrolmentStatus.UNSUBSCRIBED
    assert home.person(ERIN)["purposes"] == frozenset()
    had = len(smtp_sink.mails)
    home.live(days=60)
    assert len(smtp_sink.mails) == had
    assert home.press(link_in(old, "unsubscribe"), undo="1").status_code == 200
    assert home.enrolment(ERIN)["status"] == EnrolmentStatus.ACTIVE


def test_erin_returns_and_reaches_her_pages_by_the_old_links(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    old = let_go(home, smtp_sink)
    guide, preferences = link_in(old, "guide"), link_in(old, "preferences")
    for link in (guide, preferences):
        answer = home.client.get(urlsplit(link).path)
        assert answer.status_code == 404
        assert "did not download it within 30 days" in " ".join(answer.text.split())
    sign_up(home, ERIN)
    assert home.press(guide, asked="1").mimetype == "application/pdf"
    assert home.enrolment(ERIN)["collected_at"] is not None
    assert home.press(preferences, frequency="fewer").status_code == 200
    assert home.person(ERIN)["frequency"] == "fewer"


def test_a_person_who_undoes_an_opt_out_by_the_old_link_may_sign_up_again(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    link = link_in(let_go(home, smtp_sink), "unsubscribe")
    home.press(link)
    assert home.press(link, undo="1").status_code == 200
    assert reasons(home) == []
    had = len(smtp_sink.mails)
    sign_up(home, ERIN)
    assert len(smtp_sink.mails) == had + 1


def test_every_link_of_an_erased_person_says_that_they_were_erased(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    sign_up(home, ERIN)
    mail, context = smtp_sink.mails[0], home.context
    erasure.forget(context.database, context.files, home.person(ERIN)["id"], home.clock.now)
    before = home.everything()
    for page, status in (("guide", 404), ("preferences", 404), ("unsubscribe", 200)):
        path = urlsplit(link_in(mail, page)).path
        for answer in (home.client.get(path), home.client.post(path, data={"undo": "1"})):
            assert answer.status_code == status
            assert ERASED in answer.text
            assert "latest email" not in answer.text
    assert home.client.post(urlsplit(link_in(mail, "unsubscribe")).path).status_code == 200
    assert home.everything() == before
    assert reasons(home) == ["erased"]


def test_an_unsubscribe_link_unknown_to_a_restored_database_is_still_answered(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    path = f"/unsubscribe/{home.context.tokens.unsubscribe(4711, 815)}"
    before = home.everything()
    assert home.client.get(path).status_code == 200
    for body in (ONE_CLICK, {}, {"undo": "1"}, {"x": "y" * 20_000}):
        answer = home.client.post(path, data=body)
        assert answer.status_code == 200
    assert NO_MORE in home.client.post(path, data=ONE_CLICK).text
    assert home.everything() == before
    forged = Tokens(["another-secret"]).unsubscribe(4711, 815)
    assert home.client.post(f"/unsubscribe/{forged}", data=ONE_CLICK).status_code == 404


def test_an_opt_out_counts_even_if_the_address_already_bounced(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    sign_up(home, ERIN)
    mail = smtp_sink.mails[0]
    bounce(home, ERIN)
    assert home.press(link_in(mail, "unsubscribe")).status_code == 200
    assert reasons(home) == ["bounced", "unsubscribed"]
    assert home.person(ERIN)["purposes"] == frozenset()
    home.clock.advance(timedelta(days=8))
    sign_up(home, ERIN)
    home.live(days=30)
    assert len(smtp_sink.mails) == 1
    assert home.press(link_in(mail, "unsubscribe"), undo="1").status_code == 200
    assert reasons(home) == ["bounced"]


def test_a_guide_requested_a_week_after_a_bounce_lifts_the_bounce_on_delivery(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    sign_up(home, ERIN)
    collect(home, smtp_sink, ERIN)
    bounce(home, ERIN)
    first = home.fill_in_form(ERIN)
    home.live(days=6, hours=23)
    assert home.fill_in_form(ERIN, "over-50-guide").data == first.data
    assert home.deliver() == 0
    home.live(hours=2)
    had = len(smtp_sink.mails)
    again = home.fill_in_form(ERIN)
    assert (again.status_code, again.data) == (202, first.data)
    home.deliver()
    assert len(smtp_sink.mails) == had + 1
    for form in ("pain-guide", "over-50-guide"):
        sign_up(home, ERIN, form)
    home.live(days=4)
    sign_up(home, ERIN)
    assert len(smtp_sink.mails) == had + 1
    assert home.enrolment(ERIN)["status"] == EnrolmentStatus.SUPPRESSED
    deliver_news(home, ERIN)
    assert reasons(home) == []
    assert home.rows(events)[-1]["kind"] == "lifted"
    home.live(days=30)
    assert len(smtp_sink.mails) > had + 3


def test_dana_bounces_again_and_has_to_wait_again(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    sign_up(home, ERIN)
    bounce(home, ERIN)
    home.clock.advance(timedelta(days=8))
    sign_up(home, ERIN)
    assert len(smtp_sink.mails) == 2
    bounce(home, ERIN)
    [row] = home.rows(suppressions)
    assert row["since"] == home.clock.now
    home.clock.advance(timedelta(days=6))
    sign_up(home, ERIN)
    assert len(smtp_sink.mails) == 2
    home.clock.advance(timedelta(days=2))
    sign_up(home, ERIN)
    assert len(smtp_sink.mails) == 3


def test_an_address_refused_over_smtp_is_tried_again_after_a_week(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    smtp_sink.refuse(ERIN)
    sign_up(home, ERIN)
    home.clock.advance(timedelta(days=8))
    sign_up(home, ERIN)
    assert (smtp_sink.mails, reasons(home)) == ([], ["bounced"])
    smtp_sink.welcome(ERIN)
    home.clock.advance(timedelta(days=6))
    sign_up(home, ERIN)
    assert smtp_sink.mails == []
    home.clock.advance(timedelta(days=2))
    sign_up(home, ERIN)
    assert len(smtp_sink.mails) == 1
    collect(home, smtp_sink, ERIN)
    assert reasons(home) == []
    home.live(days=30)
    assert len(smtp_sink.mails) > 3


def test_six_quiet_days_lift_a_bounce_if_deliveries_are_not_reported(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    sign_up(home, ERIN)
    bounce(home, ERIN)
    home.clock.advance(timedelta(days=8))
    sign_up(home, ERIN)
    live_with_upkeep(home, 5)
    assert reasons(home) == ["bounced"]
    live_with_upkeep(home, 2)
    assert reasons(home) == []


def test_quiet_days_do_not_lift_a_bounce_if_deliveries_are_reported(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    sign_up(home, ERIN)
    bounce(home, ERIN)
    home.clock.advance(timedelta(days=8))
    sign_up(home, ERIN)
    sign_up(home, "bob@example.org")
    deliver_news(home, "bob@example.org")
    live_with_upkeep(home, 10)
    assert reasons(home) == ["bounced"]


def test_why_explains_that_the_guide_is_on_trial(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    sign_up(home, ERIN)
    bounce(home, ERIN)
    home.clock.advance(timedelta(days=8))
    context = home.context
    said = explain(context.database, context.catalogue, ERIN, home.clock.now)
    assert said.next == "No emails planned: their address does not work: an email came back."
    home.fill_in_form(ERIN)
    said = explain(context.database, context.catalogue, ERIN, home.clock.now)
    assert said.next == "Next comes “your-guide” (pain-guide), which is due now."
    home.deliver()
    said = explain(context.database, context.catalogue, ERIN, home.clock.now)
    assert said.next_at is None


def test_an_enrolment_is_looked_at_once_however_many_suppressions_there_are(
    home: Installation,
) -> None:
    home.subscribe(ERIN)
    now = home.clock.now
    for kind in (EventKind.UNSUBSCRIBED, EventKind.COMPLAINED, EventKind.BOUNCED):
        tell(home, [news(home, kind, now, address=ERIN, permanent=True)])
    with home.context.database.writing() as connection:
        again = enrolments.update().values(status="active", next_look_at=now)
        connection.execute(again)
    assert home.deliver() == 0
    with home.context.database.reading() as connection:
        [status] = connection.scalars(select(enrolments.c.status))
    assert status == EnrolmentStatus.SUPPRESSED


@pytest.mark.parametrize("first", ["lift", "undo"])
def test_enrolments_resume_once_the_last_suppression_is_lifted_in_either_order(
    home: Installation, smtp_sink: ScriptedSink, first: str
) -> None:
    from nurture.domain.subscribers.consent import Evidence

    sign_up(home, ERIN)
    collect(home, smtp_sink, ERIN)
    context, number = home.context, home.person(ERIN)["id"]
    home.press(link_in(smtp_sink.mails[0], "unsubscribe"))
    bounce(home, ERIN)

    def lift() -> None:
        args = (
            context.database,
            context.catalogue,
            context.tokens,
            ERIN,
            "she rang",
            home.clock.now,
        )
        bounce_lifting.lift(*args)

    def undo() -> None:
        args = (context.database, context.catalogue, number, Evidence(), home.clock.now)
        resubscribe(*args)

    one, other = (lift, undo) if first == "lift" else (undo, lift)
    one()
    assert home.deliver() == 0
    assert home.enrolment(ERIN)["status"] != EnrolmentStatus.ACTIVE
    other()
    assert home.enrolment(ERIN)["status"] == EnrolmentStatus.ACTIVE
    assert "marketing" in home.person(ERIN)["purposes"]


def test_a_bouncing_person_opts_out_only_by_choosing_to(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    sign_up(home, ERIN)
    bounce(home, ERIN)
    link = link_in(smtp_sink.mails[0], "preferences")
    shown = " ".join(home.client.get(urlsplit(link).path).text.split())
    assert "Our emails to this address have come back" in shown
    assert 'value="usual" checked' in shown
    assert home.press(link, frequency="usual", tracking="1").status_code == 200
    assert reasons(home) == ["bounced"]
    assert home.press(link, frequency="stopped").status_code == 200
    assert reasons(home) == ["bounced", "unsubscribed"]


def test_an_opt_out_survives_a_lifted_bounce_and_a_new_signup(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    """She unsubscribed herself, bounced, was lifted by the owner, and signed up again."""
    sign_up(home, ERIN)
    collect(home, smtp_sink, ERIN)
    context = home.context
    home.press(link_in(smtp_sink.mails[0], "unsubscribe"))
    bounce(home, ERIN)
    bounce_lifting.lift(
        context.database, context.catalogue, context.tokens, ERIN, "she rang", home.clock.now
    )
    sent = len(smtp_sink.mails)
    for form in ("pain-guide", "over-50-guide"):
        home.subscribe(ERIN, form)
    home.live(days=30)
    assert len(smtp_sink.mails) == sent
    said = CliRunner().invoke(main, ["why", ERIN], env=home.environment)
    assert "No emails planned: they unsubscribed." in said.output
    assert reasons(home) == ["unsubscribed"]
