"""Why a message was sent: the record in force when it was, whatever was said afterwards."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from nurture.domain.rights.account import Ground
from nurture.domain.rights.mailing import Mailing
from nurture.domain.sequences.sequence import Request
from nurture.domain.subscribers.consent import (
    OWN_WORDINGS,
    ConsentChange,
    Evidence,
    Origin,
    Purpose,
)
from nurture.library.folder import read_library
from nurture.services.publishing import files
from nurture.services.rights import account_of_message
from nurture.services.rights.account_of_message import MessageAccount, explain_message
from nurture.services.subscribers import erasure, requests
from nurture.services.subscribers.preferences import resubscribe
from nurture.store.tables.consents import record_consents
from nurture.store.tables.subscribers import change_subscriber
from tests.installation import SHIPPED, Installation, subjects, text_of
from tests.installations import ScriptedSink
from tests.vocabulary import ANN, FIRST, unsubscribed

PROOF = Evidence("https://practice.example.org/knees", "192.0.2.7", "A browser")
TITLE = "9 key principles to help you recover from pain and injury"
WORDING = (
    "Not making progress with your rehab? Subscribe below and find out how to get moving with "
    "our FREE 21 page guide."
)


@pytest.fixture
def ann(home: Installation) -> Installation:
    """An installation where Ann asked for her guide in a form and collected it."""
    home.subscribe(ANN, first_name="Ann", evidence=PROOF)
    home.deliver()
    home.clock.advance(timedelta(minutes=1))
    home.collect()
    return home


def explained(home: Installation, message: int) -> MessageAccount:
    found = explain_message(*home.context.stored, message)
    assert found is not None
    return found


def footer(sink: ScriptedSink) -> str:
    """Return the words of the newest email, with single blanks."""
    return " ".join(text_of(sink.mails[-1]).split())


def say(home: Installation, granted: bool, source: str, **more: object) -> None:
    """Put down that Ann said something about her series."""
    change = ConsentChange(Purpose.SERIES, granted, "Send me knees.", "pain-guide")
    with home.context.database.writing() as connection:
        record_consents(
            connection,
            1,
            [change],
            Origin(source, "1"),
            home.clock.now,
            **more,  # type: ignore[arg-type]
        )


def publish_first_article_as(home: Installation, directory: Path, stream: str) -> None:
    """Publish the pain guide's series with its first article in another stream."""
    root = directory / stream
    shutil.copytree(SHIPPED, root)
    plan = root / "pain-guide" / "sequence.toml"
    old = f'email = "{FIRST}"\n'
    assert old in plan.read_text()
    plan.write_text(plan.read_text().replace(old, f'{old}stream = "{stream}"\n'))
    files.publish(home.context.database, read_library(root), home.clock.now)


def test_a_guide_was_asked_for_in_the_form_whose_words_are_on_record(ann: Installation) -> None:
    found = explained(ann, 1)
    record = found.account.record
    assert (found.mailing, found.account.ground) == (Mailing.GUIDE, Ground.REQUEST)
    assert record is not None
    assert (record.wording, record.source) == (WORDING, "form:pain-guide")
    assert record.evidence.page_url == PROOF.page_url
    assert record.happened_at == ann.clock.now - timedelta(minutes=1)
    assert (found.masked_address, found.title) == ("a•••@example.org", TITLE)
    assert [one.subject for one in found.listed] == ["Your 21-page guide is ready to collect"]


def test_an_article_is_explained_by_the_consent_to_its_series(
    ann: Installation, smtp_sink: ScriptedSink
) -> None:
    ann.live(days=10)
    found = explained(ann, 2)
    assert (found.mailing, found.account.ground) == (Mailing.SERIES, Ground.CONSENT)
    assert found.account.record is not None
    assert found.account.record.wording == WORDING
    assert found.account.later == ()
    assert [one.subject for one in found.listed] == subjects(reversed(smtp_sink.mails[1:]))
    assert len(found.listed) == 2
    assert f"you agreed to get our series “{TITLE}”." in footer(smtp_sink)


def test_a_withdrawal_after_an_article_is_told_and_does_not_change_its_ground(
    ann: Installation,
) -> None:
    ann.live(days=3)
    unsubscribed(ann)
    found = explained(ann, 2)
    assert found.account.ground is Ground.CONSENT
    assert found.stopped_at == ann.clock.now
    assert found.account.withdrawn is not None
    assert found.account.withdrawn.source == "unsubscribe"
    ann.clock.advance(timedelta(hours=1))
    resubscribe(*ann.context.stored, 1, Evidence(), ann.clock.now)
    back = explained(ann, 2)
    assert (back.stopped_at, back.account.withdrawn) == (None, None)
    assert [one.granted for one in back.account.later] == [False, True]
    assert back.account.record == found.account.record


def test_an_article_after_a_new_consent_is_explained_by_that_one(ann: Installation) -> None:
    say(ann, False, "preferences")
    ann.clock.advance(timedelta(minutes=1))
    say(ann, True, "preferences")
    ann.live(days=3)
    record = explained(ann, 2).account.record
    assert record is not None
    assert (record.source, record.wording) == ("preferences", "Send me knees.")


@pytest.mark.parametrize("kind", ["evidence", "stated"])
def test_a_consent_that_came_with_a_list_is_told_as_such(
    ann: Installation, smtp_sink: ScriptedSink, kind: str
) -> None:
    agreed_at = ann.clock.now - timedelta(days=500)
    say(ann, False, "preferences")
    say(ann, True, f"{kind}:4", said_at=agreed_at)
    ann.live(days=3)
    found = explained(ann, 2)
    assert found.account.ground is Ground.LIST
    assert found.account.record is not None
    assert found.account.record.said_at == agreed_at
    assert "because a list that we were given says that you agreed to" in footer(smtp_sink)


def test_news_to_a_client_are_explained_even_after_they_said_no(
    ann: Installation, smtp_sink: ScriptedSink, tmp_path: Path
) -> None:
    publish_first_article_as(ann, tmp_path, "news")
    since = ann.clock.now
    with ann.context.database.writing() as connection:
        change_subscriber(connection, 1, client_since=since, client_basis_at=since)
    ann.live(days=3)
    found = explained(ann, 2)
    assert (found.mailing, found.account.ground) == (Mailing.NEWS, Ground.CLIENT)
    assert (found.client.noted_at, found.client.client_since) == (since, since)
    assert "because you are a client of ours." in footer(smtp_sink)
    with ann.context.database.writing() as connection:
        change_subscriber(connection, 1, client_basis_at=None)
    ended = explained(ann, 2)
    assert (ended.account.ground, ended.client.noted_at) == (Ground.CLIENT, None)


def test_a_message_belongs_to_what_its_step_belonged_to_when_it_was_sent(
    ann: Installation, tmp_path: Path
) -> None:
    publish_first_article_as(ann, tmp_path, "articles")
    where = Origin("guide-page", "1")
    change = ConsentChange(Purpose.ARTICLES, True, OWN_WORDINGS[Purpose.ARTICLES])
    with ann.context.database.writing() as connection:
        record_consents(connection, 1, [change], where, ann.clock.now)
    ann.live(days=3)
    publish_first_article_as(ann, tmp_path, "news")
    found = explained(ann, 2)
    assert (found.mailing, found.purpose) == (Mailing.ARTICLES, Purpose.ARTICLES)
    assert found.account.record is not None
    assert found.account.record.source == "guide-page"
    assert [one.subject for one in found.listed] == [found.email.subject]


def test_an_answer_says_what_was_asked_for_and_when(
    ann: Installation, smtp_sink: ScriptedSink
) -> None:
    asked_at = ann.clock.now
    requests.ask(*ann.context.stored, 1, Request.DATA, asked_at)
    ann.clock.advance(timedelta(minutes=1))
    ann.deliver()
    found = explained(ann, 2)
    assert (found.account.ground, found.account.record) == (Ground.REQUEST, None)
    assert (found.answers, found.asked_at) == (Request.DATA, asked_at)
    assert "because you asked for a copy of your data on your own page" in footer(smtp_sink)


def test_only_so_many_emails_are_listed_and_the_rest_is_counted(
    ann: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_of_message, "MOST_LISTED", 2)
    ann.live(days=60)
    sent = [row for row in ann.messages_of(ANN) if row["kind"] != "guide"]
    found = explained(ann, 2)
    assert (len(found.listed), found.more) == (2, len(sent) - 2)
    assert found.listed[0].sent_at == sent[-1]["accepted_at"]


def test_nothing_is_explained_of_a_person_who_was_erased_or_a_message_that_never_was(
    ann: Installation,
) -> None:
    context = ann.context
    assert explain_message(*context.stored, 99) is None
    assert erasure.forget(context.database, context.files, 1, ann.clock.now)
    assert explain_message(*context.stored, 1) is None
