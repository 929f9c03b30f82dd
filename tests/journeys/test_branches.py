"""Journeys in which people's actions decide what they receive."""

from datetime import UTC, datetime

import pytest

from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.services.publishing import files
from nurture.services.publishing.files import Draft
from nurture.store.tables.revisions import Author, RevisionKind, add_revision
from tests.installation import Installation, shipped_library, subjects
from tests.installations import ScriptedSink
from tests.vocabulary import clicks

ANN, BOB = "ann@example.org", "bob@example.org"
GOLF = "power-for-golf"


def publish_changed(home: Installation, key: str, old: str, new: str) -> None:
    """Publish a sequence with one change in its file."""
    [source] = [s for s in shipped_library().sequences if s.sequence.key == key]
    assert old in source.toml
    draft = Draft(RevisionKind.SEQUENCE, key, {"toml": source.toml.replace(old, new, 1)}, {})
    with home.context.database.writing() as connection:
        add_revision(
            connection,
            kind=draft.kind,
            key=key,
            digest=draft.digest,
            author=Author.FILES,
            source=draft.source,
            compiled={},
            now=home.clock.now,
        )


def sent_to(home: Installation, address: str) -> list[str]:
    return [step for step, status in home.statuses(address) if status == MessageStatus.ACCEPTED]


def enrol(home: Installation, *addresses: str) -> None:
    """Sign up for the guide to exercise at 50 and beyond, and collect it."""
    home.clock.set(datetime(2026, 11, 23, 9, tzinfo=UTC))
    for address in addresses:
        home.subscribe(address, "over-50-guide")
        home.deliver()
        home.collect(home.enrolment(address, "over-50-guide")["id"])


def test_a_golfer_gets_one_more_email_after_the_sequence(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    enrol(home, ANN, BOB)
    home.live(days=30)
    clicks(home, ANN, 2)
    home.live(days=70)
    assert home.enrolment(ANN, "golf")["status"] == EnrolmentStatus.COMPLETED
    assert "your-game" in sent_to(home, ANN)
    assert [row["sequence"] for row in home.enrolments_of(BOB)] == ["over-50-guide"]
    assert subjects(smtp_sink.mails).count("About your game") == 1


def test_a_conditional_step_goes_only_to_people_who_meet_its_condition(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    home = sqlite_home
    step = f'email = "{GOLF}"'
    publish_changed(home, "over-50-guide", step, f'{step}\nonly_if = "golfers"')
    enrol(home, ANN, BOB)
    clicks(home, ANN, 2)
    clicks(home, BOB, 2, verdict="machine")
    home.live(days=100)
    assert GOLF in sent_to(home, ANN)
    assert GOLF not in sent_to(home, BOB)
    others = [step for step in sent_to(home, ANN) if step not in (GOLF, "your-game")]
    assert sent_to(home, BOB) == others


def test_a_step_skipped_for_a_segment_does_not_stop_the_sequence(
    sqlite_home: Installation,
) -> None:
    home = sqlite_home
    step = f'email = "{GOLF}"'
    publish_changed(home, "over-50-guide", step, f'{step}\nskip_if = "golfers"')
    enrol(home, ANN, BOB)
    clicks(home, ANN, 2)
    home.live(days=100)
    assert GOLF not in sent_to(home, ANN)
    assert GOLF in sent_to(home, BOB)
    assert home.enrolment(ANN, "over-50-guide")["status"] == EnrolmentStatus.COMPLETED


def test_a_click_counts_until_the_step_is_due(sqlite_home: Installation) -> None:
    """Conditions are evaluated when the step is due, not when the person was enrolled."""
    home = sqlite_home
    step = f'email = "{GOLF}"'
    publish_changed(home, "over-50-guide", step, f'{step}\nonly_if = "golfers"')
    enrol(home, ANN)
    keys = [s.email for s in _sequence(home).steps]
    before = keys[keys.index(GOLF) - 1]
    while before not in sent_to(home, ANN):
        home.live(days=1)
    clicks(home, ANN, 2)
    home.live(days=30)
    assert GOLF in sent_to(home, ANN)


def _sequence(home: Installation):  # type: ignore[no-untyped-def]
    with home.context.database.reading() as connection:
        return home.context.catalogue.current(connection).sequences["over-50-guide"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('only_if  = "golfers"', 'only_if  = "golfer"', "there is no segment “golfer”"),
        ('sequence = "golf"', 'sequence = "over-50-guide"', "hands over to itself"),
        ('sequence = "golf"', 'sequence = "tennis"', "which there is not"),
        ('sequence = "golf"', 'sequence = "your-data"', "by another door"),
    ],
)
def test_a_sequence_with_a_dangling_branch_is_refused(
    tmp_path_factory: pytest.TempPathFactory, old: str, new: str, said: str
) -> None:
    import shutil

    from nurture.library.folder import read_library
    from tests.installation import SHIPPED

    folder = tmp_path_factory.mktemp("emails")
    other = shutil.ignore_patterns("pain-guide")
    shutil.copytree(SHIPPED, folder, dirs_exist_ok=True, ignore=other)
    file = folder / "over-50-guide/sequence.toml"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(files.CheckError) as refused:
        files.check(read_library(folder))
    assert said in str(refused.value)
