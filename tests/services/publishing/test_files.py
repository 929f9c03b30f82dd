"""Publishing: files are checked completely, stored for ever, and apply to current enrolments."""

import shutil
import threading
from pathlib import Path

import pytest

from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.impact import Impact
from nurture.library.folder import read_library
from nurture.services.publishing import files
from nurture.services.publishing.files import CheckError, OwnerWroteThisError, Publication
from nurture.store.tables.revisions import Author, add_revision, newest_revisions, revisions
from tests.installation import SHIPPED, Installation, subjects
from tests.installations import ScriptedSink
from tests.servers.clock import ClockFile

ANN = "ann@example.org"
GUIDE, FIRST = "your-guide", "why-stretching-and-massage-wont-solve-back-pain"
SECOND, PODCAST = "two-reasons-your-rehab-is-not-working", "muscle-activation-podcast"
ACCEPTED = MessageStatus.ACCEPTED


class Written:
    """A copy of the shipped files, to be changed; some may be left out."""

    def __init__(self, home: Installation, directory: Path, *, without: str = "") -> None:
        self.home, self.root = home, directory / "emails"
        shutil.copytree(SHIPPED, self.root, ignore=shutil.ignore_patterns(without))

    @property
    def plan(self) -> Path:
        """The pain guide's sequence."""
        return self.root / "pain-guide/sequence.toml"

    def change(self, path: str, old: str, new: str) -> None:
        """Replace the first occurrence of `old` in a file."""
        file = self.root / path
        content = file.read_text()
        assert old in content
        file.write_text(content.replace(old, new, 1))

    def step(self, email: str) -> str:
        """Return the block of one step."""
        blocks = self.plan.read_text().split("\n[[steps]]")
        [block] = [block for block in blocks if f'"{email}"' in block.split("\n\n")[0]]
        return "\n[[steps]]" + block.split("\n\n")[0]

    def delete(self, email: str) -> None:
        """Remove a step from the sequence."""
        self.plan.write_text(self.plan.read_text().replace(self.step(email), ""))

    def add_after(self, email: str, new: str) -> None:
        """Insert a new article after a step, with the same text under another name."""
        folder = self.root / "pain-guide"
        shutil.copyfile(folder / f"{email}.md", folder / f"{new}.md")
        block = self.step(email)
        step = (
            f'\n\n[[steps]]\nemail = "{new}"\nkind  = "article"\nwait  = "1 day"\nat    = "08:30"'
        )
        self.plan.write_text(self.plan.read_text().replace(block, block + step))

    def publish(self, **how: bool) -> Publication:
        """Publish the files in their current state."""
        library = read_library(self.root)
        return files.publish(self.home.context.database, library, self.home.clock.now, **how)

    def preview(self) -> Publication:
        """Return what publishing would do."""
        return files.preview(self.home.context.database, read_library(self.root))


@pytest.fixture
def home(sqlite_home: Installation) -> Installation:
    """An installation on one kind of database, except for tests with concurrent publishing."""
    return sqlite_home


@pytest.fixture
def written(home: Installation, tmp_path: Path) -> Written:
    """The files the installation has published; one of the two series, to save compiling."""
    return Written(home, tmp_path, without="over-50-guide")


@pytest.fixture
def all_written(home: Installation, tmp_path: Path) -> Written:
    """All the files that the installation has published."""
    return Written(home, tmp_path)


def start(home: Installation, *people: str) -> None:
    """Let these people collect their guide."""
    for address in people:
        home.subscribe(address)
    home.deliver()
    for address in people:
        home.collect(home.enrolment(address)["id"])
    home.deliver()


def steps(home: Installation, address: str = ANN) -> list[str]:
    """Return the steps a person was sent, in order."""
    return [m["step"] for m in home.messages_of(address) if m["status"] == ACCEPTED]


def test_unchanged_files_are_not_published_again(home: Installation, written: Written) -> None:
    before = home.rows(revisions)
    assert written.publish().changed == []
    assert home.rows(revisions) == before


def test_a_changed_email_becomes_a_second_revision_and_the_first_remains(
    home: Installation, written: Written, smtp_sink: ScriptedSink
) -> None:
    home.subscribe(ANN)
    home.deliver()
    written.change("pain-guide/your-guide.md", "Your 21-page guide", "Your own guide")
    assert written.publish().changed == ["pain-guide/your-guide"]
    of_email = [row for row in home.rows(revisions) if row["key"] == "pain-guide/your-guide"]
    assert [row["number"] for row in of_email] == [1, 2]
    home.subscribe("bob@example.org")
    home.deliver()
    assert subjects(smtp_sink.mails) == [
        "Your 21-page guide is ready to collect",
        "Your own guide is ready to collect",
    ]
    made_from = [home.messages_of(one)[0]["revision_id"] for one in (ANN, "bob@example.org")]
    assert made_from == [row["id"] for row in of_email]


def test_a_preview_counts_people_and_changes_nothing(home: Installation, written: Written) -> None:
    start(home, ANN, "bob@example.org")
    home.live(days=4)
    home.subscribe("carol@example.org")
    home.deliver()
    written.delete(SECOND)
    before = home.everything()
    foretold = written.preview()
    assert foretold.changed == ["pain-guide"]
    assert foretold.impacts["pain-guide"] == Impact(step_deleted=2, later_changed=1)
    assert home.everything() == before
    assert written.publish().impacts == foretold.impacts


def test_a_deleted_step_is_skipped_and_the_sequence_continues(
    home: Installation, written: Written
) -> None:
    start(home, ANN)
    home.live(days=4)
    written.delete(SECOND)
    written.publish()
    home.live(days=10)
    assert steps(home)[:3] == [GUIDE, FIRST, PODCAST]
    assert SECOND not in steps(home)


def test_a_deferred_message_of_a_deleted_step_is_cancelled(
    home: Installation, written: Written, smtp_sink: ScriptedSink
) -> None:
    start(home, ANN)
    look = home.next_look()
    assert look is not None
    smtp_sink.greylist(ANN)
    home.clock.set(look)
    home.deliver()
    written.delete(FIRST)
    written.publish()
    home.live(days=1)
    assert home.statuses(ANN)[1] == (FIRST, MessageStatus.CANCELLED)


def test_a_new_step_reaches_only_people_who_have_not_passed_its_place(
    home: Installation, written: Written
) -> None:
    start(home, ANN)
    home.live(days=12)
    assert steps(home)[-1] == PODCAST
    home.subscribe("bob@example.org")
    home.deliver()
    home.collect(home.enrolment("bob@example.org")["id"])
    home.deliver()
    written.add_after(FIRST, "a-new-article")
    publication = written.publish()
    assert publication.impacts["pain-guide"] == Impact(unaffected=1, get_a_new_step=1)
    home.live(days=90)
    assert "a-new-article" not in steps(home)
    assert steps(home, "bob@example.org")[:4] == [GUIDE, FIRST, "a-new-article", SECOND]


def test_a_changed_wait_moves_people_who_are_waiting(home: Installation, written: Written) -> None:
    start(home, ANN)
    before = home.next_look()
    assert before is not None
    wait = written.step(FIRST)
    written.change("pain-guide/sequence.toml", wait, wait.replace("2 days", "9 days"))
    assert written.publish().impacts["pain-guide"] == Impact(timing_changed=1)
    home.deliver()
    after = home.next_look()
    assert after is not None
    assert (after - before).days == 7


def test_a_changed_file_does_not_overwrite_what_the_owner_published(
    home: Installation, written: Written
) -> None:
    of_owner = owner_writes(home, "Your guide, from Paul")
    assert written.publish().changed == []
    written.change("pain-guide/your-guide.md", "Your 21-page guide", "Your own guide")
    before = home.rows(revisions)
    with pytest.raises(OwnerWroteThisError) as refused:
        written.publish()
    assert "Your own guide" in str(refused.value)
    assert "Your guide, from Paul" in str(refused.value)
    assert "--overwrite" in str(refused.value)
    assert home.rows(revisions) == before
    assert written.publish(overwrite=True).changed == ["pain-guide/your-guide"]
    newest = home.rows(revisions)[-1]
    assert (newest["author"], newest["number"]) == (Author.FILES, of_owner + 1)


def owner_writes(home: Installation, subject: str) -> int:
    """Publish another subject in the studio, as the owner; return the revision's number."""
    with home.context.database.writing() as connection:
        [known] = [r for r in newest_revisions(connection) if r.key == "pain-guide/your-guide"]
        content = known.source["content"].replace("Your 21-page guide is ready", subject)
        add_revision(
            connection,
            kind=known.kind,
            key=known.key,
            digest="of-the-owner",
            author=Author.OWNER,
            source=known.source | {"content": content},
            compiled=known.compiled | {"subject": subject},
            now=home.clock.now,
        )
    return known.number + 1


def test_all_findings_are_reported_together_and_nothing_is_published(
    home: Installation, all_written: Written
) -> None:
    written = all_written
    written.change("your-data/your-data.mjml", "<mj-text ", "<mj-txt ")
    written.change("pain-guide/guide-reminder.md", "{{ first_name }}", "{{ frist_name }}")
    written.change("layout/footer.txt", "{{ unsubscribe_url }}", "")
    written.change("erase-me/erase-me.txt", "{{ confirm_url }}", "")
    written.change("over-50-guide/sequence.toml", 'kind  = "guide"', 'kind  = "article"')
    before = home.everything()
    with pytest.raises(CheckError) as refused:
        written.publish()
    said = "\n".join(refused.value.findings)
    for place in ("your-data", "guide-reminder", "over-50-guide/sequence.toml"):
        assert place in said
    assert "frist_name" in said
    assert "mj-txt" in said
    assert "power-for-golf: the text part has no unsubscribe link" in said
    assert "erase-me: the text part does not lead to the page to confirm on" in said
    assert len(refused.value.findings) >= 3
    assert home.everything() == before


def test_three_first_starts_at_once_publish_everything_once(
    database_url: str, tmp_path: Path, clock_file: ClockFile
) -> None:
    home = Installation(database_url, tmp_path, clock_file)
    together, failures = threading.Barrier(3), []
    contexts = [home.another() for _ in range(3)]
    library = read_library(Written(home, tmp_path, without="over-50-guide").root)

    def publish(number: int) -> None:
        together.wait()
        try:
            files.publish(contexts[number].database, library, clock_file.now)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=publish, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for context in contexts:
        context.database.close()
    assert failures == []
    assert {row["number"] for row in home.rows(revisions)} == {1}
    home.close()


def test_missing_practice_details_are_reported_but_do_not_prevent_publishing(
    all_written: Written,
) -> None:
    said = "\n".join(all_written.publish().to_fill_in)
    assert "booking_url" in said
    assert "power-for-golf" in said


_HURT = """
[[segments]]
name = "hurt"
any = [
  { opened = { email = "german-approach-to-back-pain" } },
  { clicked = { email = "pain-guide/no-such-email" } },
  { reached = { sequence = "pain-guide", step = "no-such-step" } },
  { signed_up = { form = "no-such-form" } },
]
"""


def test_the_owner_learns_of_health_conditions_and_dangling_references(
    home: Installation, tmp_path: Path
) -> None:
    written = Written(home, tmp_path)
    segments, golf = written.root / "segments.toml", written.root / "over-50-guide/sequence.toml"
    segments.write_text(segments.read_text() + _HURT)
    golf.write_text(golf.read_text().replace('"golfers"', '"hurt"'))
    email = "over-50-guide/power-for-golf"
    written.change(f"{email}.md", "topics", 'topics = ["back_pain"]\n#')
    told = "\n".join(files.to_know(read_library(written.root)))
    assert "over-50-guide: the segment “hurt” looks at back-pain, which is about health" in told
    assert "names the email “pain-guide/no-such-email”, which no sequence has" in told
    assert "names the step “no-such-step” of “pain-guide”" in told
    assert "names the form “no-such-form”" in told
    assert f"{email}: “back_pain” is not under [topics]" in told


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ('{ attribute = { frequency = "often" } }', "frequency is never “often”. Write one of"),
        ('{ attribute = { confirmed = "maybe" } }', "confirmed is never “maybe”. Write one of"),
        ("{ signed_up = { since = 2026-02-01, before = 2026-02-01 } }", "no day is both since"),
    ],
)
def test_a_condition_that_nobody_can_meet_is_refused(
    home: Installation, tmp_path: Path, condition: str, said: str
) -> None:
    written = Written(home, tmp_path)
    segments = written.root / "segments.toml"
    segments.write_text(segments.read_text() + f'\n[[segments]]\nname = "s"\nall = [{condition}]')
    with pytest.raises(CheckError, match=f"s: {said}"):
        files.check(read_library(written.root))


def test_the_shipped_library_has_no_dangling_references(home: Installation) -> None:
    assert files.to_know(read_library(SHIPPED)) == []


# --- The shared layout ---------------------------------------------------------------------------

HEADER, OLD_LINE, NEW_LINE = (
    "layout/header.mjml",
    "Injury Rehab and Sports",
    "Injury Rehab and Dance",
)


def test_a_changed_layout_applies_to_the_owners_email_and_keeps_its_words(
    home: Installation, written: Written
) -> None:
    of_owner = owner_writes(home, "Your guide, from Paul")
    written.change(HEADER, OLD_LINE, NEW_LINE)
    assert "pain-guide/your-guide" in written.publish().changed
    [newest] = [r for r in home.rows(revisions) if r["number"] == of_owner + 1]
    assert (newest["key"], newest["author"]) == ("pain-guide/your-guide", Author.OWNER)
    assert newest["compiled"]["subject"] == "Your guide, from Paul to collect"
    assert NEW_LINE in newest["compiled"]["html"]
    assert written.publish().changed == []


def test_a_layout_change_does_not_publish_changed_words_over_the_owners(
    home: Installation, written: Written
) -> None:
    owner_writes(home, "Your guide, from Paul")
    written.change(HEADER, OLD_LINE, NEW_LINE)
    written.change("pain-guide/your-guide.md", "Your 21-page guide", "Your own guide")
    before = home.rows(revisions)
    with pytest.raises(OwnerWroteThisError, match="Your own guide"):
        written.publish()
    assert home.rows(revisions) == before


def test_a_layout_that_breaks_the_owners_email_is_refused(
    home: Installation, written: Written
) -> None:
    owner_writes(home, "{{ guide_title }}, from Paul, for you who asked for it the other day, is")
    written.change(HEADER, OLD_LINE, NEW_LINE)
    before = home.rows(revisions)
    with pytest.raises(CheckError, match="the subject has"):
        written.publish()
    assert home.rows(revisions) == before


# --- A newer version of the program --------------------------------------------------------------


@pytest.mark.parametrize("author", Author)
def test_a_newer_version_republishes_a_source_that_compiles_differently(
    home: Installation, written: Written, author: Author
) -> None:
    """The words and their author are the same; only what is sent differs."""
    if author is Author.OWNER:
        owner_writes(home, "Your guide, from Paul")
    of_email = [row for row in home.rows(revisions) if row["key"] == "pain-guide/your-guide"]
    newest = of_email[-1]
    kept = {name: newest[name] for name in ("kind", "key", "digest", "source")}
    of_before = {**newest["compiled"], "html": "made by an earlier version"}
    with home.context.database.writing() as connection:
        add_revision(connection, **kept, author=author, compiled=of_before, now=home.clock.now)
    assert written.publish().changed == ["pain-guide/your-guide"]
    newest = home.rows(revisions)[-1]
    assert (newest["author"], newest["source"]) == (author, kept["source"])
    assert "made by an earlier version" not in newest["compiled"]["html"]
    assert written.publish().changed == []
