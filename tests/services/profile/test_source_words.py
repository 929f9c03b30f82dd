"""Where someone came from reads like a sentence, and unknown parts are left out."""

import pytest

from nurture.domain.subscribers.consent import Evidence
from nurture.services.profile.source_words import say_notes, say_page, say_source
from tests.installation import Installation
from tests.vocabulary import introduced

PAGE = "https://www.human-movement.com/free-guide/?utm_source=google#form"
TITLE = "9 key principles to help you recover from pain and injury"


@pytest.mark.parametrize(
    ("touch", "expected"),
    [
        ({"source": "google", "medium": "cpc", "campaign": "knees"}, "Google (cpc, knees)"),
        ({"source": "LINKEDIN"}, "LinkedIn"),
        ({"source": "Paul’s letter", "medium": "email"}, "“Paul’s letter” (email)"),
        ({"campaign": "knees"}, "a link (knees)"),
        ({}, ""),
    ],
)
def test_a_source_reads_as_people_write_it(touch: dict[str, str], expected: str) -> None:
    assert say_source(touch) == expected


def test_a_page_is_shown_without_what_belongs_to_one_visit() -> None:
    assert say_page(PAGE) == "human-movement.com/free-guide"
    assert say_page("https://site.example/" + "a" * 100).endswith("…")
    assert len(say_page("https://site.example/" + "a" * 100)) == 80


def test_the_story_keeps_every_parameter() -> None:
    utm = {"utm_source": "bing", "utm_term": "knee", "utm_first_source": "instagram"}
    assert list(say_notes({"utm": utm, "page_url": PAGE})) == [
        "Came from Bing",
        "First came from Instagram",
        "Also with utm_term: knee",
        "On the page human-movement.com/free-guide",
    ]


def test_each_signup_that_tells_something_has_a_sentence(home: Installation) -> None:
    home.subscribe("ann@example.org", utm={"utm_first_source": "instagram"})
    home.clock.advance(home.clock.now.replace(year=2027) - home.clock.now)
    home.subscribe("ann@example.org", "over-50-guide")
    home.subscribe("ann@example.org", evidence=Evidence(PAGE), utm={"utm_source": "google"})
    assert introduced(home).origins == (
        f"Signed up on 2 March through “{TITLE}”, on human-movement.com/free-guide, from Google.",
        f"Signed up on 2 March 2026 through “{TITLE}”.",
        "Their first visit came from Instagram.",
    )
