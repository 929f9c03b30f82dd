"""What may be written to a person is said with the basis for it, or with the words that lack it."""

from datetime import timedelta

from nurture.domain.reasons import in_words
from nurture.domain.rights.basis import Basis, Strength
from nurture.domain.rights.reach import Reach
from nurture.domain.rights.table import Permission
from nurture.domain.subscribers.consent import Evidence, Purpose, Scope
from nurture.domain.subscribers.preferences import PreferenceChange, Wish
from nurture.services.profile.explanation import explain
from nurture.services.profile.rights import in_sentence
from nurture.services.subscribers import preferences
from nurture.store.tables.subscribers import change_subscriber
from tests.installation import Installation

TEN = [f"p{number}@example.org" for number in range(10)]
SERIES, NEWS = Scope(Purpose.SERIES, "pain-guide"), Scope(Purpose.NEWS)


def rights(home: Installation, address: str) -> dict[Scope, Reach]:
    found = explain(*home.context.stored, address, home.clock.now)
    return {one.scope: one for one in found.rights}


def test_nobody_who_collected_a_guide_may_be_sent_news_and_the_reason_names_the_wording(
    home: Installation,
) -> None:
    for address in TEN:
        home.subscribe(address)
    home.deliver()
    home.clock.advance(timedelta(minutes=5))
    for number in range(1, len(TEN) + 1):
        home.collect(number)
    news = [rights(home, address)[NEWS] for address in TEN]
    reasons = {in_words(one.why) for one in news if one.why}
    assert {one.answer for one in news} == {Permission.NO}
    assert reasons == {
        "they agreed to “Not making progress with your rehab? Subscribe below and find out how to "
        "get moving with our FREE 21 page guide.”, and that does not cover news and offers"
    }
    assert all(rights(home, address)[SERIES].answer is Permission.YES for address in TEN)


def test_a_box_for_the_news_allows_the_news_alone(home: Installation) -> None:
    home.subscribe(TEN[0])
    home.deliver()
    home.collect()
    change = PreferenceChange(Wish.USUAL, False, False, {NEWS: True, SERIES: True})
    preferences.change_preferences(*home.context.stored, 1, change, Evidence(), home.clock.now)
    found = rights(home, TEN[0])
    assert (found[NEWS].basis, found[NEWS].strength) == (Basis.CONSENT, Strength.CONFIRMED)
    assert found[Scope(Purpose.ARTICLES)].answer is Permission.NO


def test_a_client_may_be_sent_news_on_that_basis_until_they_say_no(home: Installation) -> None:
    home.subscribe(TEN[0])
    home.deliver()
    home.collect()
    with home.context.database.writing() as connection:
        change_subscriber(connection, 1, client_basis_at=home.clock.now)
    news = rights(home, TEN[0])[NEWS]
    assert (news.answer, news.basis) == (Permission.YES, Basis.CLIENT)
    assert in_sentence(news).endswith("they are a client, and could say no.")
    change = PreferenceChange(Wish.USUAL, False, False, {NEWS: False, SERIES: True})
    preferences.change_preferences(*home.context.stored, 1, change, Evidence(), home.clock.now)
    assert rights(home, TEN[0])[NEWS].answer is Permission.NO
