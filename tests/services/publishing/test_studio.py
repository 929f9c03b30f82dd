"""What the owner publishes is sent from then on, stored for ever, and can be undone."""

import shutil
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from nurture.domain.messages.email import EmailFormat
from nurture.domain.sequences.impact import Impact
from nurture.library.folder import read_library
from nurture.library.writing import with_changed_step, with_front, with_step, without_step
from nurture.services.publishing import email_editor, files
from nurture.services.publishing import studio as owner
from nurture.services.publishing.email_editor import SavedElsewhereError
from nurture.services.publishing.files import CheckError, OwnerWroteThisError
from nurture.services.publishing.studio import Written
from nurture.store.tables.messages import messages
from nurture.store.tables.revisions import Author, RevisionKind, add_revision, revisions
from tests.installation import BASE_URL, SHIPPED, Installation, subjects, text_of
from tests.installations import ScriptedSink
from tests.servers.clock import ClockFile

ANN, BOB = "ann@example.org", "bob@example.org"
GUIDE = "pain-guide/your-guide"
EMAIL, SEQUENCE, PRACTICE = RevisionKind.EMAIL, RevisionKind.SEQUENCE, RevisionKind.PRACTICE
MARKDOWN = """+++
subject = "Do you hold the banister?"
preheader = "One small thing to notice."
+++
Hello{% if first_name %} {{ first_name }}{% endif %},

notice which leg you trust.

*Paul*
"""


@pytest.fixture
def home(sqlite_home: Installation) -> Installation:
    """An installation on one kind of database, except for what each stores in its own way."""
    return sqlite_home


@pytest.fixture
def both(database_url: str, tmp_path: Path, clock_file: ClockFile) -> Iterator[Installation]:
    """An installation on each kind of database."""
    home = Installation(database_url, tmp_path, clock_file).publish_shipped()
    yield home
    home.close()


def written(home: Installation, key: str = GUIDE) -> Written:
    """Return the text in the editor."""
    found = email_editor.find_editing(home.context.database, key)
    assert found is not None
    return found.written


def changed(home: Installation, **front: str) -> Written:
    """Return the guide's email with other front matter."""
    now = written(home)
    return Written(now.format, with_front(now.content, front), now.text)


def publish(home: Installation, it: Written, key: str = GUIDE) -> list[str]:
    return owner.publish_email(home.context.database, key, it, home.clock.now).changed


def plan(home: Installation) -> str:
    """Return the published plan of the pain guide."""
    newest = owner.history(home.context.database, SEQUENCE, "pain-guide")[0]
    toml: str = newest.source["toml"]
    return toml


def test_a_published_email_is_used_from_the_next_send(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.subscribe(ANN)
    home.deliver()
    assert publish(home, changed(home, subject="Your guide, from Paul")) == [GUIDE]
    home.subscribe(BOB)
    home.deliver()
    assert subjects(smtp_sink.mails)[1] == "Your guide, from Paul"
    [newest, first] = owner.history(home.context.database, EMAIL, GUIDE)
    assert (newest.number, newest.author, first.author) == (2, Author.OWNER, Author.FILES)


def test_an_email_may_be_converted_to_markdown(home: Installation, smtp_sink: ScriptedSink) -> None:
    guide = MARKDOWN.replace("*Paul*", "[Collect your guide]({{ guide_url }})\n\n*Paul*")
    publish(home, Written(EmailFormat.MARKDOWN, guide))
    home.subscribe(ANN)
    home.deliver()
    assert "Collect your guide:\r\n" + BASE_URL in text_of(smtp_sink.mails[0]).replace(
        "\n", "\r\n"
    ).replace("\r\r", "\r")


def test_an_email_with_errors_is_refused_with_line_numbers_and_not_stored(
    home: Installation,
) -> None:
    before = home.everything()
    now = written(home)
    with pytest.raises(CheckError, match=r"your-guide.md, line \d+: there is no value “nobody”"):
        publish(home, Written(now.format, now.content.replace("first_name", "nobody"), now.text))
    with pytest.raises(CheckError, match="front matter"):
        publish(home, Written(now.format, "no front matter", now.text))
    assert home.everything() == before


def test_publishing_unchanged_content_makes_no_revision(home: Installation) -> None:
    before = home.rows(revisions)
    assert publish(home, written(home)) == []
    assert home.rows(revisions) == before


def test_an_old_revision_is_restored_as_a_new_one(home: Installation) -> None:
    database = home.context.database
    publish(home, changed(home, subject="Other"))
    owner.roll_back(database, EMAIL, GUIDE, 1, home.clock.now)
    third, second, first = owner.history(database, EMAIL, GUIDE)
    assert third.number == 3
    assert third.digest == first.digest != second.digest
    with pytest.raises(owner.NoSuchRevisionError):
        owner.roll_back(database, EMAIL, GUIDE, 9, home.clock.now)


def test_the_difference_between_two_revisions_is_listed_line_by_line(home: Installation) -> None:
    publish(home, changed(home, subject="Other"))
    new, old = owner.history(home.context.database, EMAIL, GUIDE)
    lines = owner.differing_lines(owner.source_text(old), owner.source_text(new))
    assert ("-", 'subject = "Your 21-page guide is ready to collect"') in lines
    assert ("+", 'subject = "Other"') in lines


def test_files_do_not_overwrite_an_email_the_owner_published(
    home: Installation, tmp_path: Path
) -> None:
    root = tmp_path / "emails"
    shutil.copytree(SHIPPED, root)
    database, now = home.context.database, home.clock.now
    publish(home, changed(home, subject="From Paul"))
    assert files.publish(database, read_library(root), now).changed == []
    file = root / "pain-guide/your-guide.md"
    file.write_text(file.read_text().replace("Your 21-page guide", "A file's guide"))
    with pytest.raises(OwnerWroteThisError) as refused:
        files.publish(database, read_library(root), now)
    assert "A file's guide" in str(refused.value) and "From Paul" in str(refused.value)
    assert written(home).content.count("From Paul") == 1


# --- Drafts ------------------------------------------------------------------------------------


def test_a_draft_is_stored_separately_from_what_is_published(both: Installation) -> None:
    home, database = both, both.context.database
    version = email_editor.save_draft(
        database, GUIDE, changed(home, subject="Half a"), 0, home.clock.now
    )
    found = email_editor.find_editing(database, GUIDE)
    assert found is not None
    assert (version, found.version, found.based_on, found.is_overtaken) == (1, 1, 1, False)
    assert 'subject = "Half a"' in found.written.content
    assert list(email_editor.drafted(database)) == [GUIDE]
    assert len(owner.history(database, EMAIL, GUIDE)) == 1
    email_editor.discard_draft(database, GUIDE)
    assert "Half a" not in written(home).content


def test_two_browser_windows_do_not_overwrite_each_others_draft(both: Installation) -> None:
    home, database, now = both, both.context.database, both.clock.now
    first = email_editor.save_draft(database, GUIDE, changed(home, subject="One"), 0, now)
    assert email_editor.save_draft(database, GUIDE, changed(home, subject="Two"), first, now) == 2
    for version in (0, first):
        with pytest.raises(SavedElsewhereError):
            email_editor.save_draft(database, GUIDE, changed(home, subject="Three"), version, now)
    assert 'subject = "Two"' in written(home).content


def test_publishing_ends_a_draft_and_a_draft_notices_a_newer_revision(
    home: Installation,
) -> None:
    database, now = home.context.database, home.clock.now
    email_editor.save_draft(database, GUIDE, changed(home, subject="Draft"), 0, now)
    owner.roll_back(database, EMAIL, GUIDE, 1, now)
    assert list(email_editor.drafted(database)) == []
    email_editor.save_draft(database, GUIDE, changed(home, subject="Draft"), 0, now)
    with database.writing() as connection:
        newest = owner.history(database, EMAIL, GUIDE)[0]
        add_revision(
            connection,
            kind=EMAIL,
            key=GUIDE,
            digest="of-a-file",
            author=Author.FILES,
            source=newest.source,
            compiled=newest.compiled,
            now=now,
        )
    found = email_editor.find_editing(database, GUIDE)
    assert found is not None and found.is_overtaken


# --- Looking and trying ------------------------------------------------------------------------


def test_a_preview_shows_the_draft_for_one_person_and_has_no_working_links(
    home: Installation,
) -> None:
    before = home.everything()
    shown = email_editor.preview(
        home.context.database, GUIDE, changed(home, subject="For {{ first_name }}"), BASE_URL, "Ann"
    )
    assert shown.subject == "For Ann"
    assert "Hello Ann," in shown.html and "Hello Ann," in shown.text
    assert "/c/" not in shown.html and "/o/" not in shown.html
    for link in ("unsubscribe", "preferences", "guide"):
        start = shown.text.index(f"/{link}/")
        assert home.client.get(shown.text[start:].split()[0]).status_code == 404
    assert home.everything() == before


def test_a_marked_test_email_goes_to_the_owner_and_is_not_recorded_as_a_message(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    context = home.context
    outcome = email_editor.send_test(
        context.database,
        context.dispatch.mailer,
        context.dispatch.sign,
        BASE_URL,
        GUIDE,
        changed(home, subject="Almost ready"),
        "paul@human-movement.com",
        "Paul",
        home.clock.now,
    )
    assert outcome.status == "accepted"
    [mail] = smtp_sink.mails
    assert mail.message["Subject"] == "[Test] Almost ready"
    assert mail.message["To"] == "paul@human-movement.com"
    assert home.rows(messages) == []


def test_a_test_email_is_saved_in_the_outbox_if_there_is_no_mail_server(home: Installation) -> None:
    context = home.another(NURTURE_SMTP_URL="")
    to, now = "paul@human-movement.com", home.clock.now
    sign, mailer = context.dispatch.sign, context.dispatch.mailer
    asked = (context.database, mailer, sign, BASE_URL, GUIDE, written(home), to, "Paul", now)
    assert email_editor.send_test(*asked).status == "accepted"
    [kept] = (home.directory / "var").rglob("*.eml")
    mail = message_from_bytes(kept.read_bytes(), policy=policy.default)
    assert mail["To"] == to
    assert mail["Subject"] == "[Test] Your 21-page guide is ready to collect"
    assert home.rows(messages) == []


def test_preflight_tries_the_first_names_subscribers_really_have(home: Installation) -> None:
    home.subscribe(ANN, first_name="Ann")
    home.subscribe(BOB)
    now = written(home)
    bare = now.content.replace(
        "Hello{% if first_name %} {{ first_name }}{% endif %}", "Hello {{ first_name }}"
    )
    database = home.context.database
    assert email_editor.preflight_email(database, GUIDE, now, BASE_URL) == []
    [found] = email_editor.preflight_email(
        database, GUIDE, Written(now.format, bare, now.text), BASE_URL
    )
    assert found.what == "The first name is printed, and 1 person has none"
    broken = Written(now.format, bare.replace("first_name", "frist_name"), now.text)
    [found] = email_editor.preflight_email(database, GUIDE, broken, BASE_URL)
    assert "frist_name" in found.what and found.line > 5


def test_the_editor_shows_the_email_as_each_kind_of_subscriber_reads_it(home: Installation) -> None:
    for number, name in enumerate(["", "", "Ann", "Ann", "Bob", "Mary-Lou O'Neill"]):
        home.subscribe(f"somebody{number}@example.org", first_name=name)
    examined = email_editor.examine_email(home.context.database, GUIDE, written(home), BASE_URL)
    assert [(one.kind.people, one.kind.example, one.line) for one in examined.readings] == [
        (2, "", "Hello,"),
        (3, "Ann", "Hello Ann,"),
        (1, "Mary-Lou O'Neill", "Hello Mary-Lou O'Neill,"),
    ]


# --- Plans -------------------------------------------------------------------------------------


def test_a_step_and_its_email_can_be_added_without_any_file(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    database = home.context.database
    home.subscribe(ANN)
    home.deliver()
    home.collect(home.enrolment(ANN)["id"])
    step = {"email": "stairs", "kind": "article", "wait": "1 day", "at": "08:30"}
    toml = with_step(plan(home), step, after="guide-reminder")
    new = {"pain-guide/stairs": Written(EmailFormat.MARKDOWN, MARKDOWN)}
    foreseen = owner.foresee_plan(database, SEQUENCE, "pain-guide", toml, new)
    assert foreseen.impacts["pain-guide"] == Impact(get_a_new_step=1)
    assert plan(home) != toml
    done = owner.publish_plan(database, SEQUENCE, "pain-guide", toml, home.clock.now, new)
    assert (done.changed, done.impacts) == (foreseen.changed, foreseen.impacts)
    home.live(days=5)
    assert "Do you hold the banister?" in subjects(smtp_sink.mails)


def test_a_plan_that_names_an_unwritten_email_is_refused(home: Installation) -> None:
    toml = with_step(plan(home), {"email": "stairs"}, after="your-guide")
    with pytest.raises(CheckError, match="there is no email “stairs”"):
        owner.publish_plan(home.context.database, SEQUENCE, "pain-guide", toml, home.clock.now)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda toml: without_step(toml, "your-guide"), "guide"),
        (lambda toml: with_changed_step(toml, "guide-reminder", {"wait": "soon"}), "wait"),
        (lambda toml: toml.replace("title", "titel", 1), "titel"),
    ],
)
def test_a_plan_with_errors_is_refused(home: Installation, change: object, told: str) -> None:
    before = home.everything()
    with pytest.raises(CheckError, match=told):
        owner.publish_plan(
            home.context.database,
            SEQUENCE,
            "pain-guide",
            change(plan(home)),  # type: ignore[operator]
            home.clock.now,
        )
    assert home.everything() == before


def test_a_changed_plan_belongs_to_the_owner_and_can_be_rolled_back(home: Installation) -> None:
    database, now = home.context.database, home.clock.now
    toml = without_step(plan(home), "muscle-activation-podcast")
    owner.publish_plan(database, SEQUENCE, "pain-guide", toml, now)
    assert owner.history(database, SEQUENCE, "pain-guide")[0].author is Author.OWNER
    owner.roll_back(database, SEQUENCE, "pain-guide", 1, now)
    assert "muscle-activation-podcast" in plan(home)


def test_the_practice_details_are_published_in_the_same_way(home: Installation) -> None:
    database, now = home.context.database, home.clock.now
    toml = owner.history(database, PRACTICE, "practice")[0].source["toml"]
    new = toml.replace("+44 020 7183 1164", "+44 020 7183 0000")
    owner.publish_plan(database, PRACTICE, "practice", new, now)
    assert home.context.practice.phone == "+44 020 7183 0000"
    with pytest.raises(CheckError, match="time_zone"):
        owner.publish_plan(database, PRACTICE, "practice", new.replace("London", "Lundon"), now)
