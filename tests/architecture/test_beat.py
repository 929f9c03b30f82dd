"""Every tick calls a task that exists, and every task has a queue that a worker consumes."""

import ast
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from celery.beat import Scheduler

import celeryconfig
from nurture.clock import real_now
from tests.architecture.codebase import PACKAGES, Module, belongs_to, modules


@pytest.fixture(scope="module")
def app() -> Celery:
    """The Celery application with every task module that a worker would load."""
    from tasks import app

    celery: Celery = app
    celery.loader.import_default_modules()
    return celery


@pytest.fixture(scope="module")
def our_tasks(app: Celery) -> list[str]:
    """The names of the tasks defined by this program."""
    return sorted(name for name, task in app.tasks.items() if _is_ours(task))


@pytest.fixture(scope="module")
def consumed() -> set[str]:
    """The queues that a worker consumes by default."""
    return {queue.name for queue in celeryconfig.task_queues}


def test_every_beat_entry_names_an_existing_task(our_tasks: list[str]) -> None:
    schedule = celeryconfig.beat_schedule
    assert schedule
    assert {tick["task"] for tick in schedule.values()} <= set(our_tasks)


def test_a_clock_set_back_delays_no_beat_entry(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = Scheduler(app, lazy=True)
    scheduler.setup_schedule()
    assert set(scheduler.schedule) == set(celeryconfig.beat_schedule)
    yesterday = real_now() - timedelta(days=1)
    monkeypatch.setattr(app, "now", lambda: yesterday)
    longest = {name: entry.is_due()[1] for name, entry in scheduler.schedule.items()}
    assert {name: wait for name, wait in longest.items() if wait > 3600} == {}


def test_every_task_goes_to_a_consumed_queue(
    app: Celery, our_tasks: list[str], consumed: set[str]
) -> None:
    assert our_tasks
    assert {
        name: _queue(app, name) for name in our_tasks if _queue(app, name) not in consumed
    } == {}


def test_every_task_has_an_explicit_route(app: Celery, our_tasks: list[str]) -> None:
    routed = {name for name in our_tasks if app.amqp.router.lookup_route(name)}
    assert set(our_tasks) - routed == set()


def test_a_queue_named_by_a_beat_entry_is_consumed(consumed: set[str]) -> None:
    schedule: dict[str, dict[str, Any]] = celeryconfig.beat_schedule
    named = {tick.get("options", {}).get("queue") for tick in schedule.values()}
    assert named - {None} <= consumed


def test_no_task_is_delayed_by_celery() -> None:
    assert {module.name: found for module in modules() if (found := delays(module))} == {}


@pytest.mark.parametrize("delay", ["countdown=60", "eta=tomorrow"])
def test_a_delay_left_to_celery_is_detected(delay: str) -> None:
    assert delays(Module("tasks.example", f"deliver.apply_async(args, {delay})")) != []


def delays(module: Module) -> list[str]:
    """Return where a module relies on Celery's delays, which Redis may lose or run twice."""
    return [
        f"line {node.value.lineno}: {node.arg}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.keyword) and node.arg in {"eta", "countdown"}
    ]


def _queue(app: Celery, name: str) -> str:
    route: dict[str, Any] = app.amqp.router.route({}, name)
    return str(route["queue"].name)


def _is_ours(task: Any) -> bool:
    return any(belongs_to(task.__module__, package) for package in PACKAGES)
