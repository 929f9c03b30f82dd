"""What a log says about an exception: its place and its type, never a value."""

import io
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from sqlalchemy import create_engine, text

from nurture.faults import keep_values_out_of_logs, told
from nurture.library.reading import LibraryError
from nurture.store.database import DatabaseUnavailableError

TYPED = "ann.typed@example.org"


class _Body(BaseModel):
    email: int


def _refused_by_the_database() -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(text("SELECT :x FROM nowhere"), {"x": TYPED})


def _refused_by_pydantic() -> None:
    _Body.model_validate({"email": TYPED})


def _refused_by_us() -> None:
    raise LibraryError(f"{TYPED} is no address.")


def _as_the_cause_of_another() -> None:
    try:
        dict[str, int]()[TYPED]
    except KeyError as error:
        raise ValueError(TYPED) from error


faulty = pytest.mark.parametrize(
    "fault",
    [_refused_by_the_database, _refused_by_pydantic, _refused_by_us, _as_the_cause_of_another],
)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Return what a log file would contain, written with Python's own formatter."""
    keep_values_out_of_logs()
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


@faulty
def test_a_logged_error_names_its_kind_and_place_and_no_typed_text(
    log: io.StringIO, fault: Callable[[], None]
) -> None:
    try:
        fault()
    except Exception as error:
        logging.getLogger("some.library").exception("it failed with %r", error)
    said = log.getvalue()
    assert TYPED not in said
    assert "test_faults.py" in said and fault.__name__ in said
    assert "Error" in said.splitlines()[0]


@faulty
def test_a_failed_task_is_logged_without_the_text_of_its_exception(
    log: io.StringIO, fault: Callable[[], None]
) -> None:
    """The message as Celery writes it, which quotes the exception by name."""
    try:
        fault()
    except Exception as error:
        said = {"name": "tasks.x", "exc": repr(error), "args": TYPED, "traceback": repr(error)}
        message = "Task %(name)s: %(exc)s %(args)s"
        logging.getLogger("celery.app.trace").error(message, said, exc_info=error)
    assert TYPED not in log.getvalue()
    assert log.getvalue().startswith("Task tasks.x: ")


def test_the_cause_of_an_error_is_logged_before_it() -> None:
    try:
        _as_the_cause_of_another()
    except ValueError as error:
        said = told(error)
    assert said.index("builtins.KeyError") < said.index("builtins.ValueError")


def test_an_error_without_personal_data_includes_its_remedy() -> None:
    error = DatabaseUnavailableError("It did not answer.", remedy="Check that it is running.")
    assert told(error).endswith("It did not answer. Check that it is running.")


@pytest.mark.parametrize("program", ["import tasks", "import nurture.bootstrap as b; b.build()"])
def test_workers_and_the_web_side_keep_values_out_of_their_logs(
    program: str, tmp_path: Path
) -> None:
    asked = f"{program}; import logging; print(logging.getLogRecordFactory().__module__)"
    environment = {**os.environ, "NURTURE_DATA_DIR": str(tmp_path)}
    said = subprocess.check_output([sys.executable, "-c", asked], env=environment, text=True)
    assert said.strip() == "nurture.faults"
