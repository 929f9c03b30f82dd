"""The page of a hosted form: what it shows is what is proved, and mistakes are easily mended."""

from datetime import timedelta
from pathlib import Path

import pytest

from nurture.domain.door.waiting import WhyWaiting
from nurture.domain.subscribers.consent import OWN_WORDINGS, Purpose
from nurture.store.tables.awaited_consents import awaited_consents
from nurture.store.tables.consents import consents
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.waiting_signups import waiting_signups
from nurture.web.hosted import TRAP
from tests.installation import BASE_URL, Installation
from tests.installations import ScriptedSink
from tests.web.hosting import ANN, BROWSER, PAGE, THANKS, Visitor, fields_of, publish_changed
from tests.web.reading import read, words


def test_the_page_shows_the_forms_own_words_and_every_box_unticked(
    sqlite_home: Installation,
) -> None:
    page = Visitor(sqlite_home).opens()
    form = sqlite_home.context.get_published().sequences["pain-guide"].form
    assert form is not None
    assert page.one("p", **{"class": "lead"}).said() == form.wording
    boxes = page.all("input", name="consent")
    assert [box.attributes["value"] for box in boxes] == [
        *("articles", "news", "tracking", "health_topics"),
    ]
    assert page.ticked("consent") == []
    health = page.one("input", value="health_topics").inside("fieldset")
    assert health is not None
    assert health is not page.one("input", value="tracking").inside("fieldset")


def test_looking_changes_nothing(sqlite_home: Installation) -> None:
    before = sqlite_home.everything()
    for path in (PAGE, THANKS, "/f/embed.js", "/f/nobody"):
        for method in ("GET", "HEAD"):
            answer = sqlite_home.client.open(
                path, method=method, query_string={"embed": "", "email": ANN}
            )
            assert "Set-Cookie" not in answer.headers
    assert sqlite_home.everything() == before


def test_what_was_seen_is_what_is_recorded(home: Installation) -> None:
    answer = Visitor(home).sends(email=ANN, first_name="Ann", consent=["tracking", "news"])
    assert answer.status_code == 303
    assert answer.location == THANKS
    [person] = home.rows(subscribers)
    assert (person["address"], person["first_name"]) == (ANN, "Ann")
    assert person["confirmed_at"] is None
    said = {row["purpose"]: row["wording"] for row in home.rows(consents)}
    form = home.context.get_published().sequences["pain-guide"].form
    assert form is not None
    assert said == {
        "guide": form.wording,
        "series": form.wording,
        "news": OWN_WORDINGS[Purpose.NEWS],
    }
    [awaited] = home.rows(awaited_consents)
    assert awaited["wording"] == OWN_WORDINGS[Purpose.TRACKING]
    assert {row["page_url"] for row in home.rows(consents)} == {BASE_URL + PAGE}
    assert home.deliver() == 1


def test_the_page_of_thanks_says_where_the_email_is(sqlite_home: Installation) -> None:
    answer = sqlite_home.client.get(THANKS)
    assert answer.status_code == 200
    sender = sqlite_home.context.practice.sender_address
    assert sender in words(answer.text)


def test_a_button_pressed_twice_is_one_signup(home: Installation) -> None:
    visitor = Visitor(home)
    page = visitor.opens()
    for _ in range(2):
        assert visitor.sends(page, email=ANN).location == THANKS
    assert len(home.rows(signups)) == 1
    assert home.rows(waiting_signups) == []


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Please enter your email address."),
        ("ann@", "This is not a complete email address. Please look at it again."),
        ("ann example.org", "This is not a complete email address. Please look at it again."),
    ],
)
def test_a_mistake_comes_back_with_what_was_typed_and_a_sentence_beside_it(
    sqlite_home: Installation, typed: str, sentence: str
) -> None:
    answer = Visitor(sqlite_home).sends(email=typed, first_name="Ann <b>", consent=["news"])
    assert answer.status_code == 422
    page = read(answer.text)
    box = page.one("input", name="email")
    assert box.attributes["value"] == typed
    assert page.one("span", id=box.attributes["aria-describedby"]).said() == sentence
    assert page.one("input", name="first_name").attributes["value"] == "Ann <b>"
    assert page.ticked("consent") == ["news"]
    assert sqlite_home.rows(signups) == []


def test_a_page_that_was_left_open_asks_again_after_a_day(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    visitor = Visitor(home)
    page = visitor.opens()
    visitor.sends(page, email=ANN)
    home.deliver()
    home.clock.advance(timedelta(days=2))
    assert visitor.sends(page, email=ANN).location == THANKS
    home.deliver()
    assert len(home.rows(signups)) == 2
    assert len([mail for mail in smtp_sink.mails if mail.recipients == (ANN,)]) >= 2


def test_a_mended_mistake_keeps_the_time_at_which_the_page_was_opened(
    sqlite_home: Installation,
) -> None:
    visitor = Visitor(sqlite_home)
    wrong = read(visitor.sends(email="ann@").text)
    assert visitor.sends(wrong, seconds=1, email=ANN).location == THANKS
    assert sqlite_home.rows(waiting_signups) == []


def test_a_form_that_nobody_has_is_a_friendly_page(sqlite_home: Installation) -> None:
    for answer in (
        sqlite_home.client.get("/f/nobody"),
        sqlite_home.client.get("/f/nobody/thanks"),
        sqlite_home.client.post("/f/nobody", data={"email": ANN}, headers=BROWSER),
    ):
        assert answer.status_code == 404
        assert "our website" in words(answer.text)


def test_words_that_have_changed_meanwhile_are_shown_once_more(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    visitor = Visitor(sqlite_home)
    page = visitor.opens()
    plan = "pain-guide/sequence.toml"
    publish_changed(sqlite_home, tmp_path / "emails", plan, "FREE 21 page", "free 22 page")
    answer = visitor.sends(page, email=ANN)
    assert answer.status_code == 409
    assert sqlite_home.rows(signups) == []
    again = read(answer.text)
    assert "free 22 page" in again.one("p", **{"class": "lead"}).said()
    assert visitor.sends(again, email=ANN).location == THANKS
    assert "free 22 page" in sqlite_home.rows(consents)[0]["wording"]


def test_a_probable_slip_is_asked_about_once_and_either_answer_counts(
    sqlite_home: Installation,
) -> None:
    visitor = Visitor(sqlite_home)
    answer = visitor.sends(email="ann@gmial.com", first_name="Ann", consent=["news"])
    assert answer.status_code == 200
    assert sqlite_home.rows(signups) == []
    page = read(answer.text)
    assert page.one("h1").said() == "Did you mean ann@gmail.com?"
    offered = [one.attributes["value"] for one in page.all("button", name="email")]
    assert offered == ["ann@gmail.com", "ann@gmial.com"]
    for address in offered:
        assert visitor.sends(page, email=address, consent=["news"]).location == THANKS
    people = sqlite_home.rows(subscribers)
    assert [one["address"] for one in people] == offered
    assert {one["first_name"] for one in people} == {"Ann"}


def test_a_field_that_people_do_not_see_makes_a_signup_wait_and_says_nothing(
    home: Installation,
) -> None:
    answer = Visitor(home).sends(email=ANN, season="spring")
    assert answer.location == THANKS
    [waiting] = home.rows(waiting_signups)
    assert waiting["why"] == WhyWaiting.ROBOT
    assert home.rows(signups) == []


def test_the_field_that_people_do_not_see_is_hidden_from_everyone(
    sqlite_home: Installation,
) -> None:
    trap = Visitor(sqlite_home).opens().one("input", name=TRAP)
    assert trap.attributes["tabindex"] == "-1"
    assert trap.attributes["autocomplete"] == "off"
    hidden = trap.inside("div")
    assert hidden is not None
    assert hidden.attributes["aria-hidden"] == "true"


def test_a_form_filled_in_within_two_seconds_waits_a_little(home: Installation) -> None:
    assert Visitor(home).sends(email=ANN, seconds=1).location == THANKS
    [waiting] = home.rows(waiting_signups)
    assert waiting["why"] == WhyWaiting.HURRIED


def test_a_forged_time_is_no_reason_to_wait_and_no_error(sqlite_home: Installation) -> None:
    page = Visitor(sqlite_home).opens()
    for number, made in enumerate(("", "x", "A" * 43, "é")):
        answer = Visitor(sqlite_home).sends(page, made=made, email=f"ann{number}@example.org")
        assert answer.location == THANKS
    assert len(sqlite_home.rows(signups)) == 4


def test_the_token_of_a_page_contains_nothing_personal(sqlite_home: Installation) -> None:
    one, other = (Visitor(sqlite_home, address) for address in ("192.0.2.7", "198.51.100.3"))
    assert fields_of(one.opens()) == fields_of(other.opens())


def test_where_a_visitor_came_from_is_kept(sqlite_home: Installation) -> None:
    visitor = Visitor(sqlite_home)
    page = visitor.opens(f"{PAGE}?utm_source=poster&utm_medium=print&other=1")
    visitor.sends(page, email=ANN)
    [signup] = sqlite_home.rows(signups)
    assert signup["utm"] == {"utm_source": "poster", "utm_medium": "print"}


def test_without_health_topics_there_is_no_box_for_them(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    root = tmp_path / "emails"
    publish_changed(sqlite_home, root, "segments.toml", ", health = true", "")
    boxes = Visitor(sqlite_home).opens().all("input", name="consent")
    assert [box.attributes["value"] for box in boxes] == ["articles", "news", "tracking"]
