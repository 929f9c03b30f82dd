"""The footer of every email says truthfully why this person gets it."""

from dataclasses import replace
from itertools import product

import pytest

from nurture.domain.rights.account import Ground
from nurture.domain.sequences.sequence import Form, Request, Sequence, Step, StepKind
from nurture.domain.subscribers.consent import Purpose
from nurture.rendering.footer import and_still_wanted, why_sent
from tests.presence import at_least_one

FORM = Form("knees", "Subscribe.", (Purpose.GUIDE, Purpose.SERIES))
STEPS = (
    Step("guide", StepKind.GUIDE),
    Step("article"),
    Step("new-article", stream=Purpose.ARTICLES),
    Step("news", stream=Purpose.NEWS),
    Step("session", StepKind.INVITATION),
)
KNEES = Sequence("knees", "Healthy knees", STEPS, FORM, guide_title="Nine exercises")


@pytest.mark.parametrize(
    ("email", "kind", "ground", "said"),
    [
        (
            "guide",
            StepKind.GUIDE,
            Ground.REQUEST,
            "you asked for our free guide, “Nine exercises”, on our website.",
        ),
        (
            "reminder",
            StepKind.REMINDER,
            Ground.REQUEST,
            "you asked for our free guide, “Nine exercises”, and have not downloaded it yet.",
        ),
        (
            "article",
            StepKind.ARTICLE,
            Ground.CONSENT,
            "you agreed to get our series “Healthy knees”.",
        ),
        (
            "article",
            StepKind.ARTICLE,
            Ground.LIST,
            "a list that we were given says that you agreed to get our series “Healthy knees”.",
        ),
        (
            "new-article",
            StepKind.ARTICLE,
            Ground.CONSENT,
            "you agreed to get new articles from us.",
        ),
        ("news", StepKind.ARTICLE, Ground.CONSENT, "you agreed to get our news and offers."),
        (
            "news",
            StepKind.ARTICLE,
            Ground.CLIENT,
            "you are a client of ours. We may tell you about our own services until you say no.",
        ),
        (
            "session",
            StepKind.INVITATION,
            Ground.CONSENT,
            "you agreed to get our series “Healthy knees”.",
        ),
        (
            "still-there",
            StepKind.QUESTION,
            Ground.CONSENT,
            "you agreed to get our emails, and we have not heard from you for a long time.",
        ),
    ],
)
def test_the_sentence_names_what_was_asked_for_or_agreed_to(
    email: str, kind: StepKind, ground: Ground, said: str
) -> None:
    sentence = why_sent(KNEES, email, kind, ground)
    assert sentence == f"You are getting this email because {said}"


@pytest.mark.parametrize(
    ("answers", "said"),
    [(Request.DATA, "a copy of your data"), (Request.ERASURE, "erase your data")],
)
def test_an_answer_says_what_was_asked_for(answers: Request, said: str) -> None:
    answering = Sequence("answer", "Your data", (), answers=answers)
    assert said in why_sent(answering, "answer", StepKind.ANSWER, Ground.REQUEST)


def test_a_series_without_a_form_is_not_called_by_a_name_that_nobody_agreed_to() -> None:
    handed_over = replace(KNEES, form=None)
    sentence = why_sent(handed_over, "article", StepKind.ARTICLE, Ground.CONSENT)
    assert sentence == "You are getting this email because you agreed to get our emails."


def test_every_kind_of_email_gets_one_whole_sentence_on_every_ground() -> None:
    steps = [*(step.email for step in STEPS), "no-step-yet"]
    said = [why_sent(KNEES, *one) for one in product(steps, StepKind, Ground)]
    start = "You are getting this email because "
    assert all(s.startswith(start) for s in at_least_one(said))
    assert all(s.endswith(".") and ".." not in s and "“”" not in s for s in at_least_one(said))


def test_the_line_that_asks_says_that_nothing_follows_and_leads_to_the_page() -> None:
    why, url = "You are getting this because of <that>.", "https://example.org/confirm/abc"
    html = and_still_wanted(why, url, html=True)
    text = and_still_wanted(why, url, html=False)
    assert html.startswith("You are getting this because of &lt;that&gt;.")
    assert f'<a href="{url}">tell us that you still want our emails</a>' in html
    assert text.splitlines()[0] == why
    assert text.splitlines()[-1] == url
    assert max(map(len, text.splitlines())) <= 72
    assert all("Nothing changes if you don’t." in " ".join(one.split()) for one in (html, text))
