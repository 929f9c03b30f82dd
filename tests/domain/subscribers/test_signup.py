"""What a signup grants and starts, for anyone and whatever is known of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.sequences.enrolment import (
    GUIDE_AT_MOST_EVERY,
    Ending,
    EndReason,
    EnrolmentStatus,
    Progress,
)
from nurture.domain.sequences.sequence import OptIn, Sequence
from nurture.domain.subscribers.bookings import BOOKED_BEFORE, NOT_CANCELLED
from nurture.domain.subscribers.consent import (
    OWN_BOXES,
    OWN_WORDINGS,
    Purpose,
    Scope,
    is_among,
    scope_of,
)
from nurture.domain.subscribers.late_signups import SignupTime, is_overtaken
from nurture.domain.subscribers.signup import Earlier, Known, TickedBoxes, sign_up
from nurture.domain.subscribers.suppression import Suppression, SuppressionReason
from tests.domain.playing import GUIDE, sequence_of

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
A_WEEK = timedelta(days=7)

#: The form of the sequences below.
FORM = sequence_of(GUIDE).covers_next("")

sequences = st.builds(
    lambda opt_in, goal: replace(sequence_of(GUIDE, opt_in=opt_in), goal=goal),
    st.sampled_from(OptIn),
    st.sampled_from(("booked", "")),
)
ticks = st.lists(st.sampled_from(Purpose), unique=True)
before = st.timedeltas(timedelta(0), timedelta(days=400)).map(lambda ago: NOW - ago)
times = st.builds(SignupTime, st.just(NOW), st.none() | before, st.booleans()).map(
    lambda one: one if one.said_at else replace(one, before_restore=False)
)
endings = st.builds(
    Ending, st.sampled_from(EnrolmentStatus), st.none() | st.sampled_from(EndReason)
)
progresses = st.builds(
    Progress,
    before,
    before,
    passed=st.frozensets(st.sampled_from(("guide", "a"))),
    collected_at=st.none() | before,
    guide_wanted=st.booleans(),
)
earlier = st.builds(Earlier, endings, progresses, before, st.none() | before)
#: The series of the form “f”, of another, and of every form; see `sequences`.
scopes = st.sampled_from(
    [*map(Scope, Purpose), Scope(Purpose.SERIES, FORM), Scope(Purpose.SERIES, "another")]
)
people = st.builds(
    Known,
    st.just("Europe/London"),
    confirmed=st.booleans(),
    refused=st.frozensets(scopes),
    last_said=st.dictionaries(scopes, before),
    booked_until=st.sampled_from((None, NOT_CANCELLED, NOW)),
    enrolment=st.none() | earlier,
)
suppressions = st.lists(
    st.builds(
        Suppression,
        st.sampled_from(SuppressionReason),
        before,
        asked_again_at=st.none() | before,
    ),
    min_size=1,
    unique_by=lambda one: one.reason,
)


@given(sequences, ticks, people, suppressions, times)
def test_a_suppressed_address_changes_nothing_unless_it_bounced_a_week_ago_and_no_more(
    sequence: Sequence,
    ticked: list[Purpose],
    known: Known,
    standing: list[Suppression],
    time: SignupTime,
) -> None:
    decided = sign_up(sequence, TickedBoxes(ticked), replace(known, suppressions=standing), time)
    [first, *others] = standing
    is_old = time.asked_at - max(first.since, first.asked_again_at or first.since) >= A_WEEK
    only_bounced = not others and first.reason is SuppressionReason.BOUNCED
    assert (decided is not None) is (only_bounced and is_old and not time.before_restore)


@given(sequences, ticks, people, times)
def test_a_person_who_was_let_go_after_they_asked_is_not_brought_back(
    sequence: Sequence, ticked: list[Purpose], known: Known, time: SignupTime
) -> None:
    assert sign_up(sequence, TickedBoxes(ticked), replace(known, let_go=True), time) is None


@given(sequences, ticks, people)
def test_a_form_grants_what_it_says_and_every_box_that_its_owner_has_not_refused(
    sequence: Sequence, ticked: list[Purpose], known: Known
) -> None:
    decided, form = sign_up(sequence, TickedBoxes(ticked), known, SignupTime(NOW)), sequence.form
    assert decided and form
    said = [*decided.granted, *decided.awaited]
    granted = [change.scope for change in said]
    refused = known.refused if known.confirmed else set()
    asked = {scope_of(purpose, form.key) for purpose in ticked}
    believed = {scope for scope in asked if not is_among(scope, refused)}
    assert set(granted) == {scope_of(one, form.key) for one in form.grants} | believed
    assert len(granted) == len(set(granted))
    assert all(change.granted for change in said)
    assert all(change.wording == form.wording for change in decided.granted)
    shown = {one: form.wording if one in form.grants else OWN_WORDINGS[one] for one in OWN_BOXES}
    assert all(one.wording == shown[one.purpose] for one in decided.awaited)
    assert decided.confirms is (form.opt_in is OptIn.CONFIRMED)


@given(sequences, ticks, people, st.booleans())
def test_what_may_be_learnt_of_a_person_counts_at_once_only_if_the_website_vouches_for_the_address(
    sequence: Sequence, ticked: list[Purpose], known: Known, vouched: bool
) -> None:
    boxes = TickedBoxes(ticked, vouched=vouched)
    decided, form = sign_up(sequence, boxes, known, SignupTime(NOW)), sequence.form
    assert decided and form
    counts = vouched and form.opt_in is OptIn.CONFIRMED
    held = {change.purpose for change in (decided.granted if not counts else decided.awaited)}
    assert held.isdisjoint(OWN_BOXES)
    assert {change.purpose for change in decided.awaited}.isdisjoint(known.agreed.purposes)


@given(sequences, people, st.timedeltas(timedelta(0), 3 * GUIDE_AT_MOST_EVERY))
def test_no_second_guide_leaves_for_another_spelling_of_the_mailbox_within_a_day(
    sequence: Sequence, known: Known, ago: timedelta
) -> None:
    as_other = replace(known, asked_as_other_at=NOW - ago)
    decided = sign_up(sequence, TickedBoxes(), as_other, SignupTime(NOW))
    alone = sign_up(sequence, TickedBoxes(), known, SignupTime(NOW))
    assert decided and alone
    assert decided.progress == (None if ago < GUIDE_AT_MOST_EVERY else alone.progress)
    assert decided.granted == alone.granted


@given(sequences, ticks, people, before)
def test_a_signup_told_late_grants_nothing_that_they_have_spoken_of_since(
    sequence: Sequence, ticked: list[Purpose], known: Known, said_at: datetime
) -> None:
    decided = sign_up(sequence, TickedBoxes(ticked), known, SignupTime(NOW, said_at))
    assert decided
    late = {change.scope for change in (*decided.granted, *decided.awaited)}
    at_once = sign_up(sequence, TickedBoxes(ticked), known, SignupTime(NOW))
    assert at_once
    since = {scope for scope, at in known.last_said.items() if at >= said_at}
    assert late == {
        c.scope for c in (*at_once.granted, *at_once.awaited) if not is_among(c.scope, since)
    }


@given(sequences, people, times)
def test_a_first_signup_begins_with_the_guide_and_with_nothing_else_for_those_who_have_booked(
    sequence: Sequence, known: Known, time: SignupTime
) -> None:
    decided = sign_up(sequence, TickedBoxes(), replace(known, enrolment=None), time)
    assert decided and decided.progress
    assert decided.progress.guide_wanted
    assert decided.progress.enrolled_at == time.told_at
    booked = sequence.goal == "booked" and known.booked_until == NOT_CANCELLED
    assert decided.progress.ends_as == (BOOKED_BEFORE if booked else None)


@given(sequences, people, earlier, times)
def test_asking_again_offers_the_guide_once_a_day_and_forgets_nothing_they_had(
    sequence: Sequence, known: Known, one: Earlier, time: SignupTime
) -> None:
    decided = sign_up(sequence, TickedBoxes(), replace(known, enrolment=one), time)
    assert decided
    lately = time.asked_at - one.guide_wanted_at < GUIDE_AT_MOST_EVERY
    stays = lately or is_overtaken(time, one.ending, one.ended_at)
    assert (decided.progress is None) is stays
    after = decided.progress or one.progress
    assert after.guide_wanted or stays
    assert (after.passed, after.collected_at) == (one.progress.passed, one.progress.collected_at)


@given(sequences, ticks, people, times)
def test_the_same_signup_once_more_starts_nothing_more(
    sequence: Sequence, ticked: list[Purpose], known: Known, time: SignupTime
) -> None:
    once = sign_up(sequence, TickedBoxes(ticked), known, time)
    assert once
    under_way = Ending(EnrolmentStatus.ACTIVE)
    after = once.progress and Earlier(under_way, once.progress, time.due_at)
    known_then = replace(known, enrolment=after or known.enrolment)
    again = sign_up(sequence, TickedBoxes(ticked), known_then, time)
    assert again
    assert again.progress is None
    assert again.granted == once.granted


@given(sequences, people, st.booleans())
def test_a_guide_goes_on_trial_exactly_if_the_address_had_bounced_and_it_is_offered(
    sequence: Sequence, known: Known, bounced: bool
) -> None:
    bounce = Suppression(SuppressionReason.BOUNCED, NOW - A_WEEK)
    standing = [bounce] if bounced else []
    known = replace(known, suppressions=standing)
    decided = sign_up(sequence, TickedBoxes(), known, SignupTime(NOW))
    assert decided
    assert decided.guide_on_trial is (bounced and decided.progress is not None)


def test_nobody_signs_up_for_a_sequence_that_has_no_form() -> None:
    sequence = replace(sequence_of(GUIDE), form=None)
    assert sign_up(sequence, TickedBoxes(), Known("Europe/London"), SignupTime(NOW)) is None
