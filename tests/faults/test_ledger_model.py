"""The ledger keeps its promises despite crashes between any two steps, in any order of events."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from nurture.domain.messages.status import MessageStatus
from nurture.domain.sequences.enrolment import EnrolmentStatus
from nurture.domain.sequences.sequence import StepKind
from nurture.services.delivery import batch, doubts
from nurture.store.migrate import migrate
from nurture.store.tables.enrolments import enrolments
from tests.faults.ledger_world import Answer, World
from tests.installation import Installation, shipped_library
from tests.servers.clock import ClockFile
from tests.servers.memory import quick_directory

PEOPLE = ["ann@example.org", "bob@example.org", "cat@example.org"]
#: A form and its sequence are called the same.
FORMS = ["pain-guide", "over-50-guide"]
SEQUENCES = {source.sequence.key: source.sequence for source in shipped_library().sequences}

#: Steps at which a worker may be killed; a whole batch takes about thirty.
steps = st.one_of(st.none(), st.integers(1, 60))
MEANWHILE = ["another worker", "another machine", "a signup"]
answers = st.lists(st.sampled_from(Answer), max_size=6)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with everything published, to be copied."""
    directory = tmp_path_factory.mktemp("pattern")
    url = f"sqlite:///{directory}/nurture.db"
    migrate(url)
    home = Installation(url, directory, ClockFile(directory / "clock")).publish_shipped()
    home.context.database.close()
    return directory / "nurture.db"


class Ledger(RuleBasedStateMachine):
    """People sign up, collect and unsubscribe; workers deliver and die; the owner settles doubt."""

    def __init__(self, pattern: Path) -> None:
        super().__init__()
        self._directory = Path(tempfile.mkdtemp(prefix="ledger-", dir=quick_directory()))
        shutil.copyfile(pattern, self._directory / "nurture.db")
        self.world = World(f"sqlite:///{self._directory}/nurture.db", self._directory)
        self._windows = patch.object(batch, "WINDOW", 2)
        self._windows.start()

    @rule(address=st.sampled_from(PEOPLE), form=st.sampled_from(FORMS))
    def sign_up(self, address: str, form: str) -> None:
        """Let a person fill in a form."""
        self.world.home.subscribe(address, form)

    @rule(data=st.data())
    def collect(self, data: st.DataObject) -> None:
        """Press the button on a guide page."""
        known = [row["id"] for row in self.world.home.rows(enrolments)]
        if known:
            self.world.home.collect(data.draw(st.sampled_from(known)))

    @rule(address=st.sampled_from(PEOPLE))
    def unsubscribe(self, address: str) -> None:
        """Let a person unsubscribe."""
        if any(row["address"] == address for row in self.world.ledger()):
            self.world.unsubscribe(address)

    @rule(sequence=st.sampled_from(FORMS))
    def pause(self, sequence: str) -> None:
        """Let the owner pause a sequence."""
        self.world.pause(sequence)

    @rule(sequence=st.sampled_from(FORMS))
    def resume(self, sequence: str) -> None:
        """Let the owner resume a sequence."""
        self.world.resume(sequence)

    @rule(dies_at=steps, answers=answers)
    def work(self, dies_at: int | None, answers: list[Answer]) -> None:
        """Let a worker process a batch, and perhaps be killed."""
        self.world.server.answers = list(answers)
        self.world.work(dies_at)

    @rule(dies_at=steps, answers=answers, what=st.sampled_from(MEANWHILE))
    def work_while(self, dies_at: int | None, answers: list[Answer], what: str) -> None:
        """Let something happen while a worker is talking to the mail server."""
        self.world.server.answers = list(answers)
        again = partial(self.world.home.subscribe, PEOPLE[0])
        others: dict[str, Callable[[], object]] = {
            "another worker": self.world.take_over,
            "another machine": partial(self.world.take_over, elsewhere=True),
        }
        self.world.server.meanwhile = others.get(what, again)
        self.world.work(dies_at)
        self.world.server.meanwhile = None

    @rule(elsewhere=st.booleans())
    def take_over(self, elsewhere: bool) -> None:
        """Detect the dead workers, on this machine or on another."""
        self.world.server.answers = []
        self.world.take_over(elsewhere=elsewhere)

    @rule()
    def lose_power(self) -> None:
        """Let the machine lose power, and with it what was not yet on the disk."""
        self.world.lose_power()

    @rule(hours=st.one_of(st.integers(1, 12), st.integers(24, 240)))
    def wait(self, hours: int) -> None:
        """Let time pass."""
        self.world.pass_time(timedelta(hours=hours))

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        """Let the owner discover the fate of a message in doubt, and report it."""
        doubtful = self.world.in_doubt()
        if doubtful:
            message = data.draw(st.sampled_from(doubtful))
            context, now = self.world.home.context, self.world.home.clock.now
            sent = self.world.took(message)
            doubts.settle(context.database, context.catalogue, message, sent, now)

    @invariant()
    def every_promise_is_kept(self) -> None:
        """Check that no promise is broken at any moment."""
        assert self.world.broken_promises() == []

    def teardown(self) -> None:
        """In the end, check that everyone has received everything, or the reason is known."""
        try:
            self.world.live_happily()
            assert self.world.broken_promises() == []
            assert _unfinished(self.world) == []
        finally:
            self._windows.stop()
            self.world.close()
            shutil.rmtree(self._directory)


def _unfinished(world: World) -> list[str]:
    """Return stalled enrolments, and steps that are missing without a reason."""
    ledger = world.ledger()
    rows = world.home.rows(enrolments)
    stuck = [f"{row['id']} stands still" for row in rows if row["status"] == EnrolmentStatus.ACTIVE]
    open_now = [
        f"{row['address']} {row['step']} is {row['status']}"
        for row in ledger
        if row["status"] in (MessageStatus.CLAIMED, MessageStatus.SENDING, MessageStatus.DEFERRED)
    ]
    completed = [row for row in rows if row["status"] == EnrolmentStatus.COMPLETED]
    missing = [said for row in completed for said in _missing(row, ledger)]
    return stuck + open_now + missing


def _missing(enrolment: dict[str, Any], ledger: list[dict[str, Any]]) -> Iterator[str]:
    had = {row["step"] for row in ledger if row["enrolment_id"] == enrolment["id"]}
    for step in SEQUENCES[enrolment["sequence"]].steps:
        if step.kind is StepKind.ARTICLE and step.email not in had:
            yield f"{enrolment['id']} has never been offered {step.email}"


@pytest.mark.parametrize(
    ("examples", "length"), [(8, 15), pytest.param(400, 40, marks=pytest.mark.slow)]
)
def test_no_order_of_events_and_crashes_breaks_a_promise(
    pattern: Path, examples: int, length: int
) -> None:
    run_state_machine_as_test(
        partial(Ledger, pattern),  # type: ignore[arg-type]
        settings=settings(
            max_examples=examples,
            stateful_step_count=length,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_crash_at_any_step_of_a_batch_breaks_no_promise(pattern: Path) -> None:
    """Three people and one batch, killed at its first step, at its second, and so on."""
    with tempfile.TemporaryDirectory(dir=quick_directory()) as place:
        dies_at = 1
        while not _lives(pattern, Path(place) / str(dies_at), dies_at):
            dies_at += 1
    assert dies_at > 20


def _lives(pattern: Path, directory: Path, dies_at: int) -> bool:
    """Return whether the worker survived its batch; every promise is kept either way."""
    directory.mkdir()
    shutil.copyfile(pattern, directory / "nurture.db")
    world = World(f"sqlite:///{directory}/nurture.db", directory)
    for address in PEOPLE:
        world.home.subscribe(address)
    lived = world.work(dies_at)
    assert world.broken_promises() == []
    world.take_over()
    assert sum(row["doubts"] for row in world.ledger()) <= 1, "one was at the mail server at a time"
    world.live_happily(2)
    assert world.broken_promises() == []
    assert {to for _, to in world.server.taken} == set(PEOPLE)
    world.close()
    return lived
