"""Preferences apply from the next email on, including to claimed messages."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from nurture.clock import real_now
from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.consent import (
    OWN_WORDINGS,
    ConsentChange,
    Evidence,
    Origin,
    Purpose,
    Scope,
)
from nurture.domain.subscribers.preferences import PreferenceChange, UnclearWishError, Wish
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.domain.tracking.events import EventKind, MailEvent
from nurture.services.delivery.batch import WINDOW
from nurture.services.delivery.claim import claim_due
from nurture.services.inbound import events
from nurture.services.subscribers import preferences
from nurture.services.subscribers.subscription import Preferences
from nurture.store.tables.consents import consent_history, record_consents
from nurture.store.tables.message_changes import begin_sending
from nurture.store.tables.subscribers import change_subscriber
from nurture.store.tables.suppressions import suppress, suppressions
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.presence import at_least_one
from tests.vocabulary import (
    ACCEPTED,
    ANN,
    FIRST,
    GUIDE,
    SECOND,
    SERIES,
    on_the_way_to_the_first_article,
)

EVIDENCE = Evidence("https://emails.example.org/preferences", "192.0.2.7", "A browser")


def wish(home: Installation, frequency: Wish, *, tracking: bool = False) -> Preferences:
    """Choose Ann's wish on the preference page."""
    context, person = home.context, home.person(ANN)["id"]
    change = PreferenceChange(frequency, tracking, health_topics=False)
    kept = preferences.change_preferences(
        context.database, context.catalogue, person, change, EVIDENCE, home.clock.now
    )
    assert kept is not None
    return kept


def unsubscribe(home: Installation) -> None:
    """Press the button on the unsubscribe page."""
    context, person = home.context, home.person(ANN)["id"]
    preferences.unsubscribe(
        context.database, context.catalogue, person, None, EVIDENCE, home.clock.now
    )


def resubscribe(home: Installation) -> None:
    """Press undo."""
    context, person = home.context, home.person(ANN)["id"]
    preferences.resubscribe(context.database, context.catalogue, person, EVIDENCE, home.clock.now)


@pytest.mark.parametrize("frequency", list(Wish))
def test_the_preference_page_shows_the_frequency_that_was_chosen(
    home: Installation, frequency: Wish
) -> None:
    home.subscribe(ANN)
    assert wish(home, frequency).frequency is frequency
    shown = preferences.find_preferences(*home.context.stored, 1, home.clock.now)
    assert shown is not None
    assert shown.frequency is frequency


def test_a_pause_holds_everything_for_thirty_days_before_the_sequence_continues(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    on_the_way_to_the_first_article(home, ANN)
    paused_at = home.clock.now
    kept = wish(home, Wish.PAUSED)
    assert kept.paused_until == paused_at + timedelta(days=30)
    home.clock.advance(timedelta(days=5))
    assert wish(home, Wish.PAUSED).paused_until == paused_at + timedelta(days=30)
    home.live(days=24)
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED)]
    home.live(days=14)
    assert home.statuses(ANN)[1:3] == [(FIRST, ACCEPTED), (SECOND, ACCEPTED)]
    article = smtp_sink.mails[1].message["Date"].datetime
    assert article >= paused_at + timedelta(days=30)


def test_choosing_the_usual_frequency_ends_a_pause_immediately(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    on_the_way_to_the_first_article(home, ANN)
    wish(home, Wish.PAUSED)
    home.live(hours=1)
    assert len(smtp_sink.mails) == 1
    wish(home, Wish.USUAL)
    home.deliver()
    assert home.statuses(ANN) == [(GUIDE, ACCEPTED), (FIRST, ACCEPTED)]


def test_a_requested_guide_is_sent_despite_a_pause(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.subscribe(ANN)
    home.deliver()
    wish(home, Wish.PAUSED)
    home.clock.advance(timedelta(days=2))
    home.subscribe(ANN)
    home.deliver()
    assert len(smtp_sink.mails) == 2


def test_fewer_emails_means_one_a_week(home: Installation, smtp_sink: ScriptedSink) -> None:
    on_the_way_to_the_first_article(home, ANN)
    wish(home, Wish.FEWER)
    home.live(days=100)
    times = [mail.message["Date"].datetime for mail in smtp_sink.mails[1:]]
    assert len(times) == 8
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= timedelta(days=7) - timedelta(hours=1)


def test_unsubscribing_withdraws_consent_with_evidence_and_ends_every_enrolment(
    home: Installation,
) -> None:
    home.subscribe(ANN)
    home.subscribe(ANN, "over-50-guide")
    home.clock.advance(timedelta(minutes=1))
    unsubscribe(home)
    assert {row["status"] for row in home.enrolments_of(ANN)} == {EnrolmentStatus.UNSUBSCRIBED}
    with home.context.database.reading() as connection:
        history = consent_history(connection, 1)
    withdrawn = [row for row in history if not row["granted"]]
    assert {row["purpose"] for row in withdrawn} == {"guide", "series"}
    for row in at_least_one(withdrawn):
        assert (row["source"], row["recorded_at"]) == ("unsubscribe", home.clock.now)
        assert (row["client"], row["user_agent"]) == ("192.0.2.7", "A browser")
        assert row["page_url"] == "https://emails.example.org/preferences"
    assert [row["granted"] for row in history].count(True) == 4


def test_nothing_is_sent_after_an_unsubscribe(home: Installation, smtp_sink: ScriptedSink) -> None:
    on_the_way_to_the_first_article(home, ANN)
    unsubscribe(home)
    home.live(days=100)
    home.subscribe(ANN, "over-50-guide")
    home.live(days=100)
    assert len(smtp_sink.mails) == 1


def test_an_unsubscribe_cancels_a_claimed_message_before_it_is_sent(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    on_the_way_to_the_first_article(home, ANN)
    context = home.context
    with context.database.writing() as connection:
        published = context.catalogue.current(connection)
        batch = claim_due(connection, published, home.clock.now, real_now(), 10)
    [claimed] = batch.claimed
    unsubscribe(home)
    with context.database.writing() as connection:
        numbers = [claimed.recipient.message]
        assert begin_sending(connection, batch.claim.name, numbers, real_now()) == set()
    assert home.statuses(ANN)[1] == (FIRST, MessageStatus.CANCELLED)
    home.live(days=10)
    assert len(smtp_sink.mails) == 1


def test_an_unsubscribe_during_a_batch_cancels_the_persons_next_message(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    others = [f"p{n}@example.org" for n in range(2 * WINDOW)]
    on_the_way_to_the_first_article(home, *others, ANN)

    def stop(_: object) -> None:
        smtp_sink.script = None
        unsubscribe(home)

    smtp_sink.script = stop
    home.deliver()
    assert len(smtp_sink.mails_to(ANN)) == 1
    assert home.statuses(ANN)[1] == (FIRST, MessageStatus.CANCELLED)
    home.clock.advance(timedelta(days=100))
    home.deliver()
    assert len(smtp_sink.mails_to(ANN)) == 1


def test_undoing_an_unsubscribe_resumes_the_sequence_where_it_was(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    on_the_way_to_the_first_article(home, ANN)
    home.deliver()
    unsubscribe(home)
    home.clock.advance(timedelta(minutes=10))
    resubscribe(home)
    assert home.rows(suppressions) == []
    home.live(days=90)
    assert len(smtp_sink.mails) == 9
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.COMPLETED


def test_undo_restores_only_the_consent_that_was_withdrawn(home: Installation) -> None:
    home.subscribe(ANN)
    no_series = [ConsentChange(Purpose.SERIES, False, "No series, please.")]
    with home.context.database.writing() as connection:
        record_consents(
            connection, 1, no_series, Origin("preferences", "", EVIDENCE), home.clock.now
        )
    unsubscribe(home)
    resubscribe(home)
    assert home.person(ANN)["purposes"] == {"guide"}


def test_undo_lifts_no_other_suppression(home: Installation) -> None:
    home.subscribe(ANN)
    with home.context.database.writing() as connection:
        address_hash = home.person(ANN)["address_hash"]
        suppress(connection, address_hash, SuppressionReason.COMPLAINED, home.clock.now)
    resubscribe(home)
    assert wish(home, Wish.USUAL).frequency is Wish.STOPPED
    assert [row["reason"] for row in home.rows(suppressions)] == ["complained"]


def test_an_unsubscribe_reported_by_the_mail_provider_counts_and_can_be_undone(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    on_the_way_to_the_first_article(home, ANN)
    told = MailEvent(
        EventKind.UNSUBSCRIBED, "generic", "e1", home.clock.now, ANN, None, False, "", {}
    )
    context = home.context
    events.record_mail_events(
        context.database, context.catalogue, context.tokens, [told], home.clock.now
    )
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.UNSUBSCRIBED
    assert "marketing" not in home.person(ANN)["purposes"]
    resubscribe(home)
    home.deliver()
    assert home.statuses(ANN)[-1] == (FIRST, ACCEPTED)


def test_nothing_is_shown_or_changed_for_an_unknown_person(home: Installation) -> None:
    context = home.context
    assert preferences.find_preferences(*context.stored, 17, home.clock.now) is None
    preferences.unsubscribe(context.database, context.catalogue, 17, None, EVIDENCE, home.clock.now)
    preferences.resubscribe(context.database, context.catalogue, 17, EVIDENCE, home.clock.now)
    assert home.rows(suppressions) == []


def test_what_an_earlier_stop_withdrew_does_not_return_with_a_later_one(home: Installation) -> None:
    home.subscribe(ANN)
    series, news = Scope(Purpose.SERIES, "pain-guide"), Scope(Purpose.NEWS)
    change = ConsentChange(Purpose.NEWS, True, OWN_WORDINGS[Purpose.NEWS])
    with home.context.database.writing() as connection:
        record_consents(connection, 1, [change], Origin("guide-page", "1"), home.clock.now)
    stored = home.context.stored
    unsubscribe(home)
    home.clock.advance(timedelta(minutes=1))
    assert preferences.keep_only(*stored, 1, news, EVIDENCE, home.clock.now)
    assert preferences.keep_only(*stored, 1, news, EVIDENCE, home.clock.now)
    assert not preferences.keep_only(*stored, 1, series, EVIDENCE, home.clock.now)
    home.clock.advance(timedelta(minutes=1))
    unsubscribe(home)
    home.clock.advance(timedelta(minutes=1))
    resubscribe(home)
    assert home.person(ANN)["purposes"] == {"news"}


def streams(home: Installation, **ticked: bool) -> PreferenceChange:
    """Return a saved page with these boxes for the kinds of email."""
    boxes = {Scope(Purpose(name)): yes for name, yes in ticked.items() if name != "series"}
    own = {Scope(Purpose.SERIES, "pain-guide"): ticked["series"]} if "series" in ticked else {}
    return PreferenceChange(Wish.USUAL, False, False, own | boxes)


def save(home: Installation, change: PreferenceChange) -> Preferences:
    kept = preferences.change_preferences(*home.context.stored, 1, change, EVIDENCE, home.clock.now)
    assert kept is not None
    return kept


def wanted(shown: Preferences) -> set[str]:
    return {stream.scope.word for stream in shown.streams if stream.wanted}


def test_each_kind_of_email_is_chosen_alone(home: Installation) -> None:
    home.subscribe(ANN)
    both = save(home, streams(home, series=True, news=True, articles=False))
    assert wanted(both) == {"series:pain-guide", "news"}
    only_news = save(home, streams(home, series=False, news=True, articles=False))
    assert wanted(only_news) == {"news"}
    back = save(home, streams(home, series=True, news=True, articles=False))
    assert wanted(back) == {"series:pain-guide", "news"}
    assert {one.title for one in back.streams} > {""}


def test_a_stopped_person_gets_only_the_kind_they_tick(home: Installation) -> None:
    home.subscribe(ANN)
    unsubscribe(home)
    home.clock.advance(timedelta(minutes=1))
    kept = save(home, streams(home, series=False, news=True, articles=False))
    assert wanted(kept) == {"news"}
    assert home.person(ANN)["purposes"] == {"news"}
    assert home.rows(suppressions) == []


@pytest.mark.parametrize(("wish", "news"), [(Wish.USUAL, False), (Wish.STOPPED, True)])
def test_a_stopped_person_who_says_only_half_of_it_changes_nothing(
    home: Installation, wish: Wish, news: bool
) -> None:
    home.subscribe(ANN)
    unsubscribe(home)
    before = home.everything()
    change = replace(streams(home, series=False, news=news), frequency=wish)
    with pytest.raises(UnclearWishError, match="Nothing has been changed"):
        save(home, change)
    assert home.everything() == before


def test_a_clients_news_are_ticked_and_leaving_them_so_is_no_consent(home: Installation) -> None:
    home.subscribe(ANN)
    with home.context.database.writing() as connection:
        change_subscriber(connection, 1, client_basis_at=home.clock.now)
    kept = save(home, streams(home, series=True, news=True, articles=False))
    assert wanted(kept) == {"series:pain-guide", "news"}
    assert "news" not in home.person(ANN)["purposes"]
    assert home.person(ANN)["client_basis_at"] is not None
    without = save(home, streams(home, series=True, news=False, articles=False))
    assert wanted(without) == {"series:pain-guide"}
    assert home.person(ANN)["client_basis_at"] is None


def test_saving_the_page_of_an_address_that_bounced_withdraws_nothing(home: Installation) -> None:
    home.subscribe(ANN)
    with home.context.database.writing() as connection:
        address_hash = home.person(ANN)["address_hash"]
        suppress(connection, address_hash, SuppressionReason.BOUNCED, home.clock.now)
    shown = preferences.find_preferences(*home.context.stored, 1, home.clock.now)
    assert shown is not None
    assert wanted(shown) == {"series:pain-guide"}
    boxes = {stream.scope: stream.wanted for stream in shown.streams}
    save(home, PreferenceChange(shown.frequency, False, False, boxes))
    assert home.person(ANN)["purposes"] == {"guide", *SERIES}
