"""Stories of people who ask for their data, want to be erased, or have gone silent."""

import json
from datetime import timedelta

from click.testing import CliRunner
from sqlalchemy import update

from nurture.cli import main
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.store.tables.consents import consents
from nurture.store.tables.events import events
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from nurture.store.tables.suppressions import suppressions
from tests.installation import Installation, link_in, subjects
from tests.installations import ScriptedSink
from tests.journeys.steps import live_with_upkeep
from tests.presence import at_least_one

ANN, NAME = "ann.unmistakable@example.org", "Annabella"


def on_the_list(home: Installation, *, tracking: bool = False) -> None:
    """Let Ann collect her guide."""
    home.fill_in_form(
        ANN, first_name=NAME, page_url="https://practice.example.org/ann", utm_source="ann-source"
    )
    home.deliver()
    home.collect(1, tracking=tracking)
    home.deliver()


def test_ann_requests_her_data_and_gets_it_in_two_formats(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    on_the_list(home)
    page = link_in(smtp_sink.mails[0], "preferences")
    assert "An email is on its way" in home.press(page, ask="data").text
    assert "within the last few hours" in home.press(page, ask="data").text
    home.deliver()
    link = link_in(smtp_sink.mails[-1], "confirm")
    assert subjects(smtp_sink.mails)[1:] == ["The data you asked for"]
    before = home.everything()
    assert home.client.get(link).status_code == 200
    assert home.everything() == before
    record = home.press(link, **{"as": "file"}).get_json()
    assert record["person"]["address"] == ANN
    assert {c["purpose"] for c in record["consents"]} == {"guide", "series"}
    assert record["messages"][1]["subject"] == "The data you asked for"
    readable = home.press(link, **{"as": "page"})
    assert ANN in readable.text and readable.mimetype == "text/html"
    assert "attachment" in readable.headers["Content-Disposition"]
    home.clock.advance(timedelta(days=8))
    assert home.press(link, **{"as": "file"}).status_code == 410


def test_ann_is_erased_and_no_trace_of_her_remains(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    on_the_list(home, tracking=True)
    counts = {name: len(rows) for name, rows in home.everything().items()}
    page = link_in(smtp_sink.mails[0], "preferences")
    home.press(page, ask="erasure")
    home.deliver()
    link = link_in(smtp_sink.mails[-1], "confirm")
    assert home.person(ANN)["erased"] is False
    assert home.press(link).status_code == 200
    kept = home.everything()
    del kept["signup_keys"], kept["revisions"]
    said = repr(kept).lower()
    for trace in (ANN, NAME.lower(), "ann-source", "practice.example.org/ann", "firefox"):
        assert trace not in said
    for name, count in at_least_one(counts.items()):
        assert len(home.everything()[name]) >= count
    assert [row["reason"] for row in home.rows(suppressions)] == ["erased"]
    assert home.client.get(page).status_code == 404
    assert home.client.get(link).status_code == 404
    had = len(smtp_sink.mails)
    home.fill_in_form(ANN)
    home.live(days=60)
    assert len(smtp_sink.mails) == had
    assert home.rows(subscribers)[0]["address"] is None


def test_an_erasure_requested_during_sending_asks_the_person_to_try_again(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    on_the_list(home)
    home.press(link_in(smtp_sink.mails[0], "preferences"), ask="erasure")
    home.deliver()
    link = link_in(smtp_sink.mails[-1], "confirm")
    with home.context.database.writing() as connection:
        connection.execute(update(messages).where(messages.c.id == 1).values(status="sending"))
    refused = home.press(link)
    assert refused.status_code == 503
    assert refused.mimetype == "text/html"
    assert "Try again in a minute." in refused.text
    assert home.person(ANN)["erased"] is False
    with home.context.database.writing() as connection:
        connection.execute(update(messages).where(messages.c.id == 1).values(status="accepted"))
    assert home.press(link).status_code == 200


def test_a_silent_person_is_asked_once_and_then_not_emailed_again(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    on_the_list(home, tracking=True)
    home.live(days=178)
    had = len(smtp_sink.mails)
    live_with_upkeep(home, 12)
    assert subjects(smtp_sink.mails)[had:] == ["If you still want these emails, let me know"]
    live_with_upkeep(home, 20)
    assert home.enrolment(ANN, "still-there")["status"] == EnrolmentStatus.COMPLETED
    last = home.rows(consents)[-1]
    assert (last["purpose"], last["granted"], last["source"]) == ("series", False, "quiet")
    home.live(days=200)
    home.upkeep()
    home.live(days=30)
    assert len(smtp_sink.mails) == had + 1
    assert home.press(link_in(smtp_sink.mails[-1], "confirm")).status_code == 200
    assert "marketing" in home.person(ANN)["purposes"]


def test_a_person_who_answers_continues_and_is_asked_again_only_after_another_silence(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    on_the_list(home, tracking=True)
    home.live(days=178)
    live_with_upkeep(home, 12)
    assert "Thank you for staying" in home.press(link_in(smtp_sink.mails[-1], "confirm")).text
    assert home.enrolment(ANN, "still-there")["status"] == EnrolmentStatus.GOAL_REACHED
    assert home.rows(events)[-1]["kind"] == "stayed"
    had = len(smtp_sink.mails)
    live_with_upkeep(home, 30)
    assert "marketing" in home.person(ANN)["purposes"]
    assert len(smtp_sink.mails) == had
    home.live(days=150)
    live_with_upkeep(home, 12)
    assert len(smtp_sink.mails) == had + 1


def test_an_unconfirmed_signup_is_erased_automatically_and_may_return(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.fill_in_form(ANN, first_name=NAME)
    home.deliver()
    live_with_upkeep(home, 29)
    assert home.person(ANN)["first_name"] == NAME
    live_with_upkeep(home, 2)
    assert ANN not in repr(home.everything())
    assert home.rows(suppressions) == []
    had = len(smtp_sink.mails)
    home.fill_in_form(ANN)
    home.deliver()
    assert len(smtp_sink.mails) == had + 1


def test_the_owner_reads_the_consent_evidence_and_erases_the_person(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    on_the_list(home)

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner(env=home.environment).invoke(main, list(words))
        return done.exit_code, done.output

    code, said = run("consent", ANN)
    assert (
        code == 0
        and "series of “pain-guide” granted" in said
        and "sha256" in said
        and "UTC" in said
    )
    code, said = run("consent", ANN, "--json")
    assert json.loads(said)["present"] == ["guide", "series:pain-guide"]
    assert json.loads(run("export-person", ANN)[1])["person"]["first_name"] == NAME
    assert run("forget", ANN, "--yes")[0] == 0
    code, said = run("forget", ANN, "--yes")
    assert code == 1 and "erased" in said
