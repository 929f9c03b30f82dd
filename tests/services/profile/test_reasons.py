"""Whatever ended or delayed a person's emails, their page and `nurture why` agree on it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from click.testing import CliRunner

from nurture.cli import main
from nurture.domain.subscribers.consent import (
    OWN_WORDINGS,
    ConsentChange,
    Evidence,
    Origin,
    Purpose,
)
from nurture.domain.subscribers.preferences import PreferenceChange, Wish
from nurture.domain.tracking.events import EventKind
from nurture.services.delivery import pause
from nurture.services.profile import explanation
from nurture.services.subscribers import on_behalf, preferences
from nurture.store.tables.consents import record_consents
from tests.installation import Installation
from tests.vocabulary import book, introduced, report_event, take_out, unsubscribed

ANN = "ann@example.org"
PAIN = "9 key principles to help you recover from pain and injury"
OLDER = "Everything you need to know about exercise at 50 and beyond"


def signed_up(home: Installation) -> None:
    home.subscribe(ANN)
    home.deliver()


def collected(home: Installation) -> None:
    signed_up(home)
    home.collect()


def wish(home: Installation, wanted: Wish) -> None:
    context = home.context
    change = PreferenceChange(wanted, False, False)
    args = (context.database, context.catalogue, 1, change, Evidence(), home.clock.now)
    preferences.change_preferences(*args)


def was_taken_out(home: Installation) -> None:
    collected(home)
    home.live(days=8)
    take_out(home)


def was_taken_out_before_collecting(home: Installation) -> None:
    signed_up(home)
    take_out(home)


def has_not_collected(home: Installation) -> None:
    signed_up(home)
    home.live(days=10)


def never_collected(home: Installation) -> None:
    signed_up(home)
    home.live(days=31)


def finished(home: Installation) -> None:
    collected(home)
    home.live(days=90)


def booked(home: Installation) -> None:
    collected(home)
    book(home, ANN)


def had_booked(home: Installation) -> None:
    book(home, ANN)
    home.clock.advance(timedelta(days=2))
    collected(home)
    home.deliver()


def had_enough(home: Installation) -> None:
    collected(home)
    unsubscribed(home)


def was_unsubscribed_by_the_owner(home: Installation) -> None:
    collected(home)
    context = home.context
    on_behalf.stop_everything(context.database, context.catalogue, 1, Evidence(), home.clock.now)


def unsubscribed_in_a_mail_program(home: Installation) -> None:
    collected(home)
    report_event(home, EventKind.UNSUBSCRIBED, message=1, recipient=ANN)


def bounced(home: Installation) -> None:
    collected(home)
    report_event(home, EventKind.BOUNCED, message=1, recipient=ANN, permanent=True)


def complained(home: Installation) -> None:
    collected(home)
    report_event(home, EventKind.COMPLAINED, message=1, recipient=ANN)


def did_not_agree(home: Installation) -> None:
    """Withdraw the consent in the record, as if a form had never asked for it."""
    collected(home)
    no = ConsentChange(Purpose.SERIES, False, OWN_WORDINGS[Purpose.SERIES])
    with home.context.database.writing() as connection:
        record_consents(connection, 1, [no], Origin("preferences", "1"), home.clock.now)
    home.live(days=10)


def sequence_is_paused(home: Installation) -> None:
    collected(home)
    pause.pause(home.context.database, home.context.catalogue, "pain-guide", home.clock.now)


def was_taken_out_of_one_and_booked_before_the_other(home: Installation) -> None:
    was_taken_out(home)
    book(home, ANN)
    home.clock.advance(timedelta(days=2))
    home.subscribe(ANN, "over-50-guide")
    home.deliver()
    home.collect(2)
    home.deliver()


NOTHING_COMES: list[tuple[Callable[[Installation], None], str]] = [
    (was_taken_out, "you took them out of “{pain}”"),
    (was_taken_out_before_collecting, "you took them out of “{pain}”"),
    (has_not_collected, "the guide of “{pain}” has not been collected yet"),
    (never_collected, "the guide of “{pain}” was never collected"),
    (finished, "they have finished “{pain}”"),
    (booked, "they booked, so “{pain}” ended"),
    (had_booked, "they had booked before they asked for “{pain}”, so they get only its guide"),
    (had_enough, "they unsubscribed"),
    (was_unsubscribed_by_the_owner, "you unsubscribed them, as they asked"),
    (unsubscribed_in_a_mail_program, "they unsubscribed through their mail program"),
    (bounced, "their address does not work: an email came back"),
    (complained, "they reported an email as junk"),
    (did_not_agree, "they have not agreed to the emails of “{pain}”"),
    (sequence_is_paused, "“{pain}” is paused"),
    (
        was_taken_out_of_one_and_booked_before_the_other,
        "you took them out of “{pain}” and they had booked before they asked for “{older}”, so "
        "they get only its guide",
    ),
]


def why(home: Installation) -> str:
    """Return the command's output."""
    answer = CliRunner().invoke(main, ["why", ANN], env=dict(home.environment))
    assert answer.exit_code == 0, answer.output
    return answer.output


def page(home: Installation) -> str:
    """Return what the person's page says comes next, or why nothing does."""
    found = introduced(home)
    return " ".join((found.nothing_comes, *found.why_not_sooner))


@pytest.mark.parametrize(
    ("cause", "said"), NOTHING_COMES, ids=[cause.__name__ for cause, _ in NOTHING_COMES]
)
def test_the_page_and_the_command_give_the_true_reason_for_no_email(
    sqlite_home: Installation, cause: Callable[[Installation], None], said: str
) -> None:
    home = sqlite_home
    cause(home)
    on_page = introduced(home).nothing_comes
    assert on_page == f"No emails planned: {said.format(pain=PAIN, older=OLDER)}."
    keys = said.format(pain="pain-guide", older="over-50-guide")
    assert f"No emails planned: {keys}.\n" in why(home)


def paused_by_the_owner(home: Installation) -> None:
    collected(home)
    until = home.clock.now + timedelta(days=14)
    on_behalf.pause(home.context.database, 1, until, home.clock.now)


def paused_by_the_owner_and_saved_by_them(home: Installation) -> None:
    paused_by_the_owner(home)
    wish(home, Wish.PAUSED)


def asked_for_a_pause(home: Installation) -> None:
    collected(home)
    wish(home, Wish.PAUSED)


def asked_for_fewer(home: Installation) -> None:
    collected(home)
    home.live(days=6)
    wish(home, Wish.FEWER)


HELD_UP: list[tuple[Callable[[Installation], None], str, str]] = [
    (paused_by_the_owner, "you paused their emails", "You paused their emails until"),
    (
        paused_by_the_owner_and_saved_by_them,
        "you paused their emails",
        "You paused their emails until",
    ),
    (asked_for_a_pause, "they asked for a pause", "They asked for a pause until"),
    (
        asked_for_fewer,
        "they asked for fewer emails and have had one recently",
        "They want fewer emails: at most one a week",
    ),
]


@pytest.mark.parametrize(
    ("cause", "reason", "who"), HELD_UP, ids=[cause.__name__ for cause, *_ in HELD_UP]
)
def test_the_page_and_the_command_give_the_true_reason_for_a_delay(
    home: Installation, cause: Callable[[Installation], None], reason: str, who: str
) -> None:
    cause(home)
    assert f": {reason}." in page(home)
    printed = why(home)
    assert f": {reason}." in printed
    assert who in printed


def test_the_story_says_that_consent_lapsed_after_an_unanswered_question(
    home: Installation,
) -> None:
    signed_up(home)
    home.collect(tracking=True)
    for _ in range(40):
        home.live(days=10)
        home.upkeep()
    found = introduced(home)
    assert found.nothing_comes == f"No emails planned: they have finished “{PAIN}”."
    story = [chapter.said for chapter in found.story]
    assert "Did not answer “Still want these?”" in story
    assert "Their consent to getting the series of emails lapsed" in story
    assert not any(said.startswith("Withdrew") for said in story)


def test_boxes_left_empty_are_distinguished_from_boxes_never_shown(
    home: Installation,
) -> None:
    signed_up(home)
    assert introduced(home).subscriber.boxes_seen_at is None
    home.collect(tracking=False, health_topics=False)
    assert introduced(home).subscriber.boxes_seen_at == home.clock.now


def test_no_reason_contains_raw_database_words(home: Installation) -> None:
    signed_up(home)
    for days in (0, 5, 10, 31):
        home.live(days=days)
        said = " ".join(
            explanation.explain(
                home.context.database, home.context.catalogue, ANN, home.clock.now
            ).sentences
        )
        for raw in ("(removed)", "(completed)", "goal_reached", "suppressed:", "_"):
            assert raw not in said


def test_the_put_back_command_restores_an_enrolment_or_says_why_not(home: Installation) -> None:
    was_taken_out(home)
    environment = dict(home.environment)
    answer = CliRunner().invoke(main, ["put-back", ANN, "pain-guide"], env=environment)
    assert answer.exit_code == 0, answer.output
    assert home.enrolment(ANN)["status"] == "active"
    again = CliRunner().invoke(main, ["put-back", ANN, "pain-guide"], env=environment)
    assert again.exit_code != 0
    assert "they are in it" in again.stderr


def test_a_booker_who_never_signed_up_can_be_exported_and_erased_by_command(
    home: Installation,
) -> None:
    book(home, ANN)
    environment = dict(home.environment)
    document = CliRunner().invoke(main, ["export-person", ANN], env=environment)
    assert '"kind": "booked"' in document.output
    gone = CliRunner().invoke(main, ["forget", ANN, "--yes"], env=environment)
    assert "Erased." in gone.output
    nothing = CliRunner().invoke(main, ["export-person", ANN], env=environment)
    assert nothing.exit_code != 0
    assert "erased" in nothing.stderr
