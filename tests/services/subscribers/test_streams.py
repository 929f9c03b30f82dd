"""Each kind of email is kept, refused and taken back apart from every other."""

from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.subscribers.consent import Evidence, Purpose, Scope
from nurture.services.subscribers import preferences
from tests.installation import Installation
from tests.vocabulary import ANN, FIRST, GUIDE

EVIDENCE = Evidence("https://emails.example.org/unsubscribed", "192.0.2.7", "A browser")
PAIN, OVER_50 = "pain-guide", "over-50-guide"


def keep_the_series(home: Installation) -> None:
    """Stop everything, then keep the series of the first form."""
    stored, number, now = home.context.stored, home.person(ANN)["id"], home.clock.now
    preferences.unsubscribe(*stored, number, None, EVIDENCE, now)
    series = Scope(Purpose.SERIES, PAIN)
    assert preferences.keep_only(*stored, number, series, EVIDENCE, now)


def test_a_series_kept_before_its_guide_is_collected_begins_once_it_is(home: Installation) -> None:
    home.subscribe(ANN)
    home.deliver()
    keep_the_series(home)
    home.live(days=10)
    assert home.statuses(ANN) == [(GUIDE, "accepted")]
    assert home.enrolment(ANN)["status"] == EnrolmentStatus.ACTIVE
    home.collect(home.enrolment(ANN)["id"])
    home.live(days=5)
    assert (FIRST, "accepted") in home.statuses(ANN)
