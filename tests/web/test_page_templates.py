"""What subscribers' pages promise their readers, by eye, by ear or by keyboard."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Blueprint, Flask, render_template
from jinja2 import StrictUndefined

from nurture.domain.rights.account import Account, ClientRight, Ground
from nurture.domain.rights.mailing import Mailing
from nurture.domain.scheduling.hours import Rhythm
from nurture.domain.sequences.sequence import Request
from nurture.domain.subscribers.awaited import AwaitedConsent
from nurture.domain.subscribers.consent import (
    GUIDE_BOXES,
    OWN_WORDINGS,
    ConsentRecord,
    Evidence,
    Purpose,
    Scope,
    said_where,
    wording_hash,
)
from nurture.services.rights.account_of_message import ListedEmail, MessageAccount
from nurture.services.subscribers.guide import GuideOffer
from nurture.services.subscribers.subscription import StreamChoice
from tests.presence import at_least_one
from tests.web.reading import Page, asking, read

ROOT = Path(__file__).parents[2]
WEB = ROOT / "nurture" / "web"
STYLESHEET = (WEB / "static" / "page.css").read_text()
PAUSED_UNTIL = datetime(2026, 12, 3, 8, 30, tzinfo=UTC)
FREQUENCIES = ("usual", "fewer", "paused", "stopped")


# --- The pages, each in every state it has ---------------------------------------------------


def practice(**changes: str) -> SimpleNamespace:
    known: dict[str, object] = {
        "name": "Human Movement",
        "owner": "Paul",
        "address_line": "30 Cannon Street, London EC4M 6XH",
        "phone": "+44 020 7183 1164",
        "email": "paul@example.org",
        "website_url": "https://practice.example.org",
        "privacy_url": "",
        "rhythm": Rhythm(),
    }
    return SimpleNamespace(**{**known, **changes})


def guide(title: str = "9 key principles", /, **changes: Any) -> GuideOffer:
    known: dict[str, Any] = {"collected": False, "has_series": True, "asks": GUIDE_BOXES}
    return GuideOffer(title, **{**known, **changes})


def record(purpose: Purpose, granted: bool, source: str, wording: str) -> ConsentRecord:
    at = datetime(2026, 11, 3, 8, 30, tzinfo=UTC)
    proof = Evidence("https://practice.example.org/guide", "192.0.2.7", "A browser")
    hashed = wording_hash(wording)
    return ConsentRecord(purpose, granted, at, source, wording, hashed, "2", proof)


HISTORY = (
    replace(
        record(Purpose.SERIES, True, "form:pain-guide", "Subscribe below & get our FREE guide."),
        form="pain-guide",
    ),
    record(Purpose.TRACKING, True, "preferences", OWN_WORDINGS[Purpose.TRACKING]),
    record(Purpose.TRACKING, False, "preferences", OWN_WORDINGS[Purpose.TRACKING]),
)


STREAMS = (
    StreamChoice(Scope(Purpose.SERIES, "pain-guide"), "Pain and injury", True, True),
    StreamChoice(Scope(Purpose.ARTICLES), "", False),
    StreamChoice(Scope(Purpose.NEWS), "", True, True),
)


def preferences(frequency: str = "usual", /, **changes: Any) -> SimpleNamespace:
    noes = dict.fromkeys(("tracking", "health_topics", "came_back", "waits_for_answer"), False)
    known = {
        "masked_address": "p•••@example.org",
        "frequency": frequency,
        "paused_until": PAUSED_UNTIL if frequency == "paused" else None,
        "history": HISTORY,
        "streams": STREAMS,
    }
    return SimpleNamespace(**{**known, **noes, **changes})


def confirmation(matter: str, agrees_to: tuple[StreamChoice, ...] = ()) -> dict[str, Any]:
    return {
        "confirmation": SimpleNamespace(
            matter=matter,
            masked_address="p•••@example.org",
            agrees_to=agrees_to,
            asked_in_foot=False,
        )
    }


def account(
    mailing: Mailing,
    ground: Ground,
    said: ConsentRecord | None = None,
    later: tuple[ConsentRecord, ...] = (),
    **changes: Any,
) -> dict[str, Any]:
    purposes = {Mailing.NEWS: Purpose.NEWS, Mailing.OWN_DATA: None, Mailing.GUIDE: Purpose.GUIDE}
    purpose = purposes.get(mailing, Purpose.SERIES)
    found = MessageAccount(
        message=3,
        subscriber=1,
        address_hash="00",
        masked_address="p•••@example.org",
        time_zone=ZoneInfo("Europe/London"),
        mailing=mailing,
        purpose=purpose,
        title="" if mailing in (Mailing.NEWS, Mailing.OWN_DATA) else "Pain and injury",
        email=ListedEmail("Stretching will not help", PAUSED_UNTIL),
        account=Account(ground, said, later),
        client=ClientRight(),
        answers=None,
        asked_at=PAUSED_UNTIL,
        stopped_at=None,
        listed=(ListedEmail("Stretching will not help", PAUSED_UNTIL),),
        more=0,
    )
    ways = {name: f"/{name}" for name in ("unsubscribe_url", "preferences_url", "complaint_url")}
    return {"found": replace(found, **changes), **ways}


OF_A_LIST = [
    replace(HISTORY[0], source=f"{kind}:4", said_at=datetime(2025, 2, 3, tzinfo=UTC))
    for kind in ("evidence", "stated")
]
ACCOUNTS = [
    account(Mailing.GUIDE, Ground.REQUEST, HISTORY[0]),
    account(Mailing.REMINDER, Ground.REQUEST, HISTORY[0]),
    account(Mailing.SERIES, Ground.CONSENT, HISTORY[0]),
    account(
        Mailing.SERIES,
        Ground.CONSENT,
        HISTORY[0],
        (replace(HISTORY[0], granted=False, source="unsubscribe"),),
        stopped_at=PAUSED_UNTIL,
        more=7,
    ),
    *(account(Mailing.INVITATION, Ground.LIST, one) for one in OF_A_LIST),
    account(Mailing.NEWS, Ground.CLIENT, client=ClientRight(PAUSED_UNTIL, PAUSED_UNTIL)),
    account(Mailing.NEWS, Ground.CLIENT, client=ClientRight(None, PAUSED_UNTIL)),
    account(Mailing.STILL_THERE, Ground.CONSENT, HISTORY[0]),
    *(account(Mailing.OWN_DATA, Ground.REQUEST, answers=one) for one in Request),
    account(Mailing.SERIES, Ground.UNRECORDED, listed=()),
]


def on_the_way_out(frequency: str = "usual", problem: str = "") -> dict[str, Any]:
    return {
        "preferences": preferences(frequency),
        "preferences_url": "/preferences/abc",
        "problem": problem,
    }


def complaint(problem: str = "", field: str = "", masked_address: str = "") -> dict[str, Any]:
    said = {"text": "", "name": "", "address": "", "answer_by": "email", "answer_to": ""}
    return {
        "said": said,
        "problem": problem,
        "field": field,
        "masked_address": masked_address,
        "days": 30,
        "longest": 5000,
        "trap": "second_line",
    }


RECEIVED: dict[str, Any] = {
    "reference": "K7QF-3MXT",
    "masked_address": "p•••@example.org",
    "days": 30,
    "last_day": date(2026, 12, 2),
}

EXAMPLES: list[tuple[str, dict[str, Any]]] = [
    ("guide.html", {"guide": guide(), "problem": ""}),
    ("guide.html", {"guide": guide(collected=True, asks=(), has_series=False), "problem": ""}),
    ("guide.html", {"guide": guide(), "problem": "That is no choice."}),
    *[
        (
            "preferences.html",
            {"preferences": preferences(f), "saved": saved, "problem": "", "asked": None},
        )
        for f in FREQUENCIES
        for saved in (False, True)
    ],
    (
        "preferences.html",
        {"preferences": preferences(), "saved": False, "problem": "No choice.", "asked": None},
    ),
    *[
        (
            "preferences.html",
            {"preferences": preferences(), "saved": False, "problem": "", "asked": (what, became)},
        )
        for what, became in (("data", "mailed"), ("erasure", "already"), ("data", "unreachable"))
    ],
    *[("confirm.html", confirmation(m) | {"problem": ""}) for m in ("data", "erasure", "staying")],
    ("confirm.html", confirmation("staying", STREAMS) | {"problem": ""}),
    ("confirm.html", confirmation("data") | {"problem": "That is no choice."}),
    *[("confirmed.html", confirmation(m)) for m in ("erasure", "staying")],
    ("lapsed.html", confirmation("data")),
    ("unsubscribe.html", on_the_way_out()),
    ("unsubscribe.html", on_the_way_out("stopped")),
    ("unsubscribe.html", on_the_way_out(problem="That is no choice.")),
    ("unsubscribed.html", on_the_way_out("stopped")),
    ("resubscribed.html", on_the_way_out()),
    ("resubscribed.html", on_the_way_out() | {"preferences": preferences("stopped", streams=())}),
    ("resubscribed.html", on_the_way_out() | {"preferences": preferences(came_back=True)}),
    *[
        (f"{page}.html", {"preferences": None, "preferences_url": None, "problem": ""})
        for page in ("unsubscribe", "unsubscribed", "resubscribed")
    ],
    (
        "preferences.html",
        {
            "preferences": preferences(came_back=True),
            "saved": False,
            "problem": "",
            "asked": None,
        },
    ),
    *[("gone.html", {"trace": trace, "days": 30}) for trace in ("erased", "let go", "gone")],
    ("outdated.html", {}),
    *[("outdated_unsubscribe.html", {"problem": problem}) for problem in ("", "No choice.")],
    ("outdated_unsubscribed.html", {}),
    *[("less.html", {"saved": saved, "problem": ""}) for saved in (False, True)],
    ("less.html", {"saved": False, "problem": "That is no choice."}),
    *[("why.html", values) for values in ACCOUNTS],
    ("complaint.html", complaint()),
    ("complaint.html", complaint(masked_address="p•••@example.org")),
    ("complaint.html", complaint("Please tell us what it is about.", "text")),
    ("complaint_received.html", RECEIVED),
    ("not_found.html", {}),
    ("unavailable.html", {}),
]

every_page = pytest.mark.parametrize(
    ("template", "values"),
    EXAMPLES,
    ids=[f"{n}-{i}" for i, (n, _) in enumerate(EXAMPLES)],
)


@cache
def app() -> Flask:
    made = Flask("pages_under_test", template_folder=str(WEB / "templates"), static_folder=None)
    made.jinja_env.undefined = StrictUndefined
    pages = Blueprint("pages", "nurture.web", static_folder="static", static_url_path="/pages")
    pages.add_url_rule("/complaint", "show_complaint")
    pages.add_url_rule("/privacy/key", "show_key")
    made.register_blueprint(pages)
    return made


def shown(template: str, **values: Any) -> Page:
    given = {"practice": practice(), "wordings": OWN_WORDINGS, "said_where": said_where, **values}
    with app().test_request_context("/somewhere/token"):
        return read(render_template(template, **given))


# --- Every page ------------------------------------------------------------------------------


def test_every_page_template_has_an_example_here() -> None:
    pages = {path.name for path in (WEB / "templates").glob("[!_]*.html")} - {"base.html"}

    assert pages == {template for template, _ in EXAMPLES}


@every_page
def test_a_page_states_its_language_its_title_and_the_practice(
    template: str, values: dict[str, Any]
) -> None:
    page = shown(template, **values)

    assert page.one("html").attributes["lang"] == "en-GB"
    assert re.fullmatch(r"\S.* – Human Movement", page.one("title").said())
    assert "30 Cannon Street, London EC4M 6XH" in page.one("footer").said()
    assert "+44 020 7183 1164" in page.one("footer").said()


@every_page
def test_a_page_has_one_top_heading_and_skips_no_level(
    template: str, values: dict[str, Any]
) -> None:
    page = shown(template, **values)
    levels = [int(e.name[1]) for e in page.elements if re.fullmatch("h[1-6]", e.name)]

    assert page.one("h1").inside("main") is page.one("main")
    assert page.one("h1").said()
    assert all(
        after - before <= 1
        for before, after in at_least_one(zip([0, *levels], levels, strict=False))
    )


@every_page
def test_a_page_is_hidden_from_search_engines_and_sends_no_referrer(
    template: str, values: dict[str, Any]
) -> None:
    page = shown(template, **values)

    assert page.one("meta", name="robots").attributes["content"] == "noindex"
    assert page.one("meta", name="referrer").attributes["content"] == "no-referrer"


@every_page
def test_a_page_contains_no_script_and_no_inline_style(
    template: str, values: dict[str, Any]
) -> None:
    page = shown(template, **values)

    assert not [e for e in page.elements if e.name in {"script", "style", "iframe", "object"}]
    assert not [a for e in page.elements for a in e.attributes if a == "style" or a[:2] == "on"]


@every_page
def test_a_page_loads_one_stylesheet_and_nothing_from_other_sites(
    template: str, values: dict[str, Any]
) -> None:
    page = shown(template, **values)
    loaded = {e.attributes["href"] for e in page.all("link")}

    assert loaded == {"data:,", "/pages/page.css"}
    assert not [e for e in page.elements if {"src", "srcset", "poster"} & e.attributes.keys()]


@every_page
def test_every_input_has_a_label_with_text(template: str, values: dict[str, Any]) -> None:
    page = shown(template, **values)

    labels = [(box.attributes, box.inside("label")) for box in asking(page)]
    assert [box for box, label in labels if label is None or not label.said()] == []


@every_page
def test_every_group_of_answers_has_its_question_in_a_legend(
    template: str, values: dict[str, Any]
) -> None:
    page = shown(template, **values)
    groups = [box.inside("fieldset") for box in asking(page)]

    asked = [legend.inside("fieldset") for legend in page.all("legend") if legend.said()]
    assert [group for group in groups if not any(group is each for each in asked)] == []


@every_page
def test_every_form_posts_to_its_own_url_with_a_clearly_labelled_button(
    template: str, values: dict[str, Any]
) -> None:
    page = shown(template, **values)

    buttons, elsewhere = page.all("button"), {"formaction", "formmethod", "type"}
    assert [form for form in page.all("form") if form.attributes != {"method": "post"}] == []
    assert [each for each in buttons if each.inside("form") is None or not each.said()] == []
    assert [each for each in buttons if elsewhere & each.attributes.keys()] == []


@every_page
def test_decorative_drawings_are_hidden_from_screen_readers(
    template: str, values: dict[str, Any]
) -> None:
    drawings = shown(template, **values).all("svg")
    assert [one for one in drawings if one.attributes["aria-hidden"] != "true"] == []


def test_there_is_a_page_with_each_element_that_every_page_is_checked_for() -> None:
    pages = [shown(template, **values) for template, values in EXAMPLES]
    for tag in ("input", "label", "legend", "form", "button", "svg"):
        assert any(page.all(tag) for page in pages), tag


@every_page
def test_every_referenced_id_exists_exactly_once(template: str, values: dict[str, Any]) -> None:
    page = shown(template, **values)
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    pointers = ("for", "aria-labelledby", "aria-describedby")

    assert len(ids) == len(set(ids))
    assert {e.attributes[p] for e in page.elements for p in pointers if p in e.attributes} <= {*ids}


def test_the_privacy_notice_is_linked_if_there_is_one() -> None:
    notice = "https://practice.example.org/privacy"
    linked = shown("not_found.html", practice=practice(privacy_url=notice))

    assert linked.one("a", href=notice).inside("footer")
    assert not shown("not_found.html").all("a", href="")


def test_markup_in_a_title_is_escaped() -> None:
    page = shown("guide.html", guide=guide("Backs & <b>bones</b>"), problem="")

    assert page.one("h1").said() == "Backs & <b>bones</b>"


# --- The guide -------------------------------------------------------------------------------


def test_the_guide_page_says_what_the_button_does() -> None:
    page = shown("guide.html", guide=guide(), problem="")

    assert "This also confirms your email address" in page.one("main").said()
    assert "every one of them has a link to stop" in page.one("main").said()
    assert page.one("button").said() == OWN_WORDINGS[Purpose.GUIDE]


def test_the_guide_page_promises_a_series_only_to_those_who_get_one() -> None:
    page = shown("guide.html", guide=guide(has_series=False), problem="")

    assert "series" not in page.one("main").said()


@pytest.mark.parametrize("asks", [GUIDE_BOXES, (Purpose.NEWS,), (Purpose.HEALTH_TOPICS,), ()])
def test_the_guide_page_has_a_box_that_is_not_ticked_for_each_thing_it_asks(
    asks: tuple[Purpose, ...],
) -> None:
    page = shown("guide.html", guide=guide(asks=asks), problem="")

    assert [box.attributes["name"] for box in page.all("input", type="checkbox")] == [*asks]
    assert page.one("input", name="boxes").attributes["value"].split() == [*asks]
    assert not [box for box in page.all("input") if "checked" in box.attributes]


def test_the_guide_page_shows_a_tick_of_the_website_in_the_words_shown_there() -> None:
    at = datetime(2026, 11, 3, 8, 30, tzinfo=UTC)
    tick = AwaitedConsent(Purpose.TRACKING, "Yes, notice what I read.", "pain-guide", at)
    page = shown("guide.html", guide=guide(asks=(Purpose.NEWS,), ticked=(tick,)), problem="")

    group = page.one("input", name="tracking").inside("fieldset")
    assert group is not None and "You ticked this on our website" in group.said()
    assert tick.wording in group.said()
    ticked = [box.attributes["name"] for box in page.all("input") if "checked" in box.attributes]
    assert ticked == ["tracking"]
    assert page.one("input", name="boxes").attributes["value"].split() == ["tracking", "news"]


def test_health_topics_are_asked_about_alone_and_with_the_reason() -> None:
    for page in at_least_one(asking_pages()):
        group = page.one("input", name="health_topics").inside("fieldset")
        assert group is not None and "especially private" in group.said()
        assert [box for box in asking(page) if box.inside("fieldset") is group] == [
            page.one("input", name="health_topics")
        ]


def test_an_already_collected_guide_is_offered_again() -> None:
    page = shown("guide.html", guide=guide(collected=True), problem="")

    assert page.one("button").said() == "Download it again"


# --- What may be noticed ---------------------------------------------------------------------


def asking_pages() -> Iterator[Page]:
    yield shown("guide.html", guide=guide(), problem="")
    yield preferring()


def preferring(frequency: str = "usual", /, **changes: Any) -> Page:
    present = preferences(frequency, **changes)
    return shown("preferences.html", preferences=present, saved=False, problem="", asked=None)


@pytest.mark.parametrize("tracking", [False, True])
@pytest.mark.parametrize("health_topics", [False, True])
def test_a_box_is_ticked_only_if_that_consent_was_given(
    tracking: bool, health_topics: bool
) -> None:
    page = preferring(tracking=tracking, health_topics=health_topics)
    assert page.ticked("tracking") == (["1"] if tracking else [])
    assert page.ticked("health_topics") == (["1"] if health_topics else [])


@pytest.mark.parametrize("purpose", [Purpose.TRACKING, Purpose.HEALTH_TOPICS])
def test_the_words_beside_a_box_are_the_words_recorded_with_the_consent(
    purpose: Purpose,
) -> None:
    for page in at_least_one(asking_pages()):
        label = page.one("input", name=purpose.value).inside("label")
        assert label is not None and label.said() == OWN_WORDINGS[purpose]


# --- The preferences -------------------------------------------------------------------------


def test_the_preference_page_shows_each_kind_of_email_apart_with_its_state() -> None:
    page = preferring()

    boxes = page.all("input", type="checkbox", name="stream")
    named = [box.attributes["value"] for box in page.all("input", name="shown")]
    assert named == [box.attributes["value"] for box in boxes] == [s.scope.word for s in STREAMS]
    assert page.ticked("stream") == [s.scope.word for s in STREAMS if s.wanted]
    labels = [label.said() for box in boxes if (label := box.inside("label"))]
    assert labels == [
        f"{OWN_WORDINGS[Purpose.SERIES]} “Pain and injury”",
        OWN_WORDINGS[Purpose.ARTICLES],
        OWN_WORDINGS[Purpose.NEWS],
    ]


def test_choosing_how_often_agrees_to_nothing() -> None:
    page = preferring()

    [often] = [one for one in page.all("fieldset") if "How often" in one.said()]
    assert "agree" not in often.said()


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_the_preference_page_starts_from_the_current_settings(frequency: str) -> None:
    page = shown(
        "preferences.html", preferences=preferences(frequency), saved=False, problem="", asked=None
    )
    offered = [e.attributes["value"] for e in page.all("input", type="radio", name="frequency")]

    assert offered == [*FREQUENCIES]
    assert page.ticked("frequency") == [frequency]


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_saved_preferences_are_confirmed_at_the_top(frequency: str) -> None:
    page = shown(
        "preferences.html", preferences=preferences(frequency), saved=True, problem="", asked=None
    )
    (confirmed,) = page.with_role("status")

    assert confirmed.said().startswith("Saved. ")
    assert page.elements.index(confirmed) == page.elements.index(page.one("main")) + 1
    assert page.one("title").said().startswith("Saved: ")
    unsaved = shown(
        "preferences.html", preferences=preferences(), saved=False, problem="", asked=None
    )
    assert unsaved.with_role("status") == []


def test_a_pause_since_a_reply_has_no_end_to_tell() -> None:
    waiting = preferences("paused", waits_for_answer=True)
    page = shown("preferences.html", preferences=waiting, saved=False, problem="", asked=None)
    assert "Paused since you wrote to us." in page.all("form")[0].said()
    assert "Paused until" not in page.all("form")[0].said()


def test_the_page_says_when_a_pause_ends() -> None:
    page = shown(
        "preferences.html", preferences=preferences("paused"), saved=False, problem="", asked=None
    )

    assert "Paused until 3 December 2026" in page.all("form")[0].said()


def test_the_preference_page_shows_only_the_masked_address() -> None:
    page = shown("preferences.html", preferences=preferences(), saved=False, problem="", asked=None)

    assert "p•••@example.org" in page.one("main").said()


def test_the_preference_page_offers_a_copy_an_erasure_and_the_practices_email() -> None:
    page = shown("preferences.html", preferences=preferences(), saved=False, problem="", asked=None)
    section = page.one("a", href="mailto:paul@example.org").inside("section")

    assert section is not None and "copy" in section.said() and "erased" in section.said()
    asking = [b for b in page.all("button") if b.attributes.get("name") == "ask"]
    assert [b.attributes["value"] for b in asking] == ["data", "erasure"]
    assert all(b.inside("section") is section for b in at_least_one(asking))


@pytest.mark.parametrize(
    ("became", "role", "said"),
    [
        ("mailed", "status", "An email is on its way"),
        ("already", "status", "within the last few hours"),
        ("unreachable", "alert", "paul@example.org"),
    ],
)
def test_the_preference_page_says_what_happens_after_a_request(
    became: str, role: str, said: str
) -> None:
    asked = ("data", became)
    page = shown(
        "preferences.html", preferences=preferences(), saved=False, problem="", asked=asked
    )
    (notice,) = page.with_role(role)

    assert said in notice.said()


def test_the_consent_history_is_shown_with_its_wording_and_the_latest_first() -> None:
    page = shown("preferences.html", preferences=preferences(), saved=False, problem="", asked=None)
    told = [item.said() for item in page.all("li")]

    assert [line.split(" to ")[0] for line in told] == ["No", "Yes", "Yes"]
    assert "3 November 2026, 08:30" in told[0] and "on the preference page" in told[0]
    assert "in the form “pain-guide”" in told[2]
    assert "Subscribe below & get our FREE guide." in told[2]


def test_the_history_names_each_kind_of_email() -> None:
    told = [item.said() for item in preferring().all("li")]

    assert told[2].startswith("Yes to the series “Pain and injury”, ")


def test_those_who_stay_read_what_they_agree_to_again() -> None:
    again = shown("confirm.html", problem="", **confirmation("staying", STREAMS[:1]))
    nothing_new = shown("confirm.html", problem="", **confirmation("staying"))

    assert f"“{OWN_WORDINGS[Purpose.SERIES]}” (“Pain and injury”)" in again.one("main").said()
    assert "agree" not in nothing_new.one("main").said()


# --- Saying yes to what a mail asked ----------------------------------------------------------


@pytest.mark.parametrize(
    ("matter", "buttons"),
    [
        ("data", ["Download to read", "Download for another program"]),
        ("erasure", ["Erase everything about me"]),
        ("staying", ["Keep them coming"]),
    ],
)
def test_a_button_says_what_it_does(matter: str, buttons: list[str]) -> None:
    page = shown("confirm.html", problem="", **confirmation(matter))

    assert [button.said() for button in page.all("button")] == buttons


def test_the_erasure_page_says_that_it_is_final_and_what_is_kept() -> None:
    said = shown("confirm.html", problem="", **confirmation("erasure")).one("main").said()

    assert "for good" in said and "fingerprint" in said and "never write" in said


# --- The way out -----------------------------------------------------------------------------


@pytest.mark.parametrize("frequency", ["usual", "stopped"])
def test_the_unsubscribe_button_sends_the_same_as_a_mailboxs_one_click(
    frequency: str,
) -> None:
    button = shown("unsubscribe.html", **on_the_way_out(frequency)).one("button")

    assert button.said() == "Unsubscribe"
    assert (button.attributes["name"], button.attributes["value"]) == (
        "List-Unsubscribe",
        "One-Click",
    )


def test_the_unsubscribe_page_links_to_getting_fewer_emails() -> None:
    page = shown("unsubscribe.html", **on_the_way_out())

    assert page.one("a", href="/preferences/abc").inside("main")


def test_an_accidental_unsubscribe_is_undone_by_one_button() -> None:
    *_, button = shown("unsubscribed.html", **on_the_way_out("stopped")).all("button")

    assert (button.attributes["name"], button.attributes["value"]) == ("undo", "1")


def test_each_kind_of_email_that_came_before_can_be_kept_alone() -> None:
    *kept, _ = shown("unsubscribed.html", **on_the_way_out("stopped")).all("button")

    assert [button.said() for button in kept] == [
        "Keep only the series “Pain and injury”",
        "Keep only news and offers",
    ]
    assert {button.attributes["name"] for button in kept} == {"keep"}
    assert [button.attributes["value"] for button in kept] == ["series:pain-guide", "news"]


def test_the_page_after_an_undo_lists_exactly_what_is_sent_from_now_on() -> None:
    page = shown("resubscribed.html", **on_the_way_out())

    assert [item.said() for item in page.all("li")] == [
        "the series “Pain and injury”",
        "news and offers",
    ]


# --- Why an email came -----------------------------------------------------------------------


@pytest.mark.parametrize("values", ACCOUNTS, ids=lambda one: one["found"].account.ground)
def test_the_account_of_an_email_shows_the_proof_and_every_way_out(values: dict[str, Any]) -> None:
    page, record = shown("why.html", **values), values["found"].account.record

    hrefs = [link.attributes["href"] for link in page.all("a")]
    assert {"/unsubscribe_url", "/preferences_url", "/complaint_url"} <= {*hrefs}
    assert [quote.said() for quote in page.all("blockquote")] == (
        [record.wording] if record else []
    )
    assert record is None or "before this email was sent" in page.one("main").said()
    assert page.all("form") == []


@pytest.mark.parametrize(
    ("which", "said"),
    [
        (0, "It brought you our free guide “Pain and injury”, which you asked for."),
        (2, "You agreed to this on 3 November 2026, 08:30, in the form “pain-guide”."),
        (2, "The page was https://practice.example.org/guide."),
        (2, "You have not withdrawn it."),
        (3, "You withdrew it on 3 November 2026, 08:30, by unsubscribing."),
        (3, "You unsubscribed on 3 December 2026, 08:30."),
        (3, "And 7 more before that."),
        (4, "According to that list, you had agreed to this on 3 February 2025, 00:00."),
        (5, "As the practice states, you had agreed to this on 3 February 2025, 00:00."),
        (6, "You could say no at the time, as we noted on 3 December 2026, 08:30."),
        (7, "You have said no to this since"),
        (9, "you asked for a copy of your data, on 3 December 2026, 08:30"),
        (10, "you asked us to erase your data, on 3 December 2026, 08:30"),
        (11, "We have no record from before this email"),
    ],
)
def test_the_account_of_an_email_says_what_applies(which: int, said: str) -> None:
    assert said in shown("why.html", **ACCOUNTS[which]).one("main").said()


# --- Trouble ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("guide.html", {"guide": guide()}),
        ("preferences.html", {"preferences": preferences(), "saved": False, "asked": None}),
        ("unsubscribe.html", on_the_way_out()),
        ("confirm.html", confirmation("data")),
    ],
)
def test_an_invalid_choice_is_named_in_an_alert_and_in_the_title(
    template: str, values: dict[str, Any]
) -> None:
    page = shown(template, **{**values, "problem": "“<i>” is no choice."})
    (alert,) = page.with_role("alert")

    assert alert.said() == "“<i>” is no choice."
    assert page.one("title").said().startswith("Not quite: ")
    assert shown(template, **{**values, "problem": ""}).with_role("alert") == []


@pytest.mark.parametrize("template", ["not_found.html", "unavailable.html"])
def test_an_error_page_gives_an_address_to_write_to(template: str) -> None:
    assert shown(template).one("a", href="mailto:paul@example.org").inside("main")


def test_every_class_on_a_page_is_styled_and_every_styled_class_is_used() -> None:
    pages = [shown(template, **values) for template, values in EXAMPLES]
    worn = {c for p in pages for e in p.elements for c in e.attributes.get("class", "").split()}
    drawn = set(re.findall(r"\.([a-z][a-z-]*)", re.sub(r"\{[^{}]*\}", "", STYLESHEET)))

    # The hosted forms and the page of a website's builder are rendered in tests of their own.
    parts = ("templates/hosted/*.html", "templates/connecting/*.html", "templates/studio/_*.html")
    paths = [path for part in (*parts, "static/*.js") for path in WEB.glob(part)]
    written = " ".join(path.read_text() for path in paths)
    named = re.findall(r'class(?:Name = |=)"(.*?)"', written)
    worn_there = set(re.findall(r"[a-z][a-z-]*", " ".join(named)))

    assert worn - {"choice-name", "cover-line"} <= drawn
    assert drawn <= worn | worn_there
