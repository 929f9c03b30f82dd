"""An installation with a history behind a real web server, and a real browser."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from tests.browser.studio import CHROMIUM_ARGUMENTS, Studio, chromium, running

#: The browser and its driver are installed by `make browser`, not by `make test`.
collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Launch the machine's own Chromium."""
    return {"executable_path": chromium(), "args": CHROMIUM_ARGUMENTS}


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """The studio of an installation that has been in use for two months."""
    with running(tmp_path_factory.mktemp("studio")) as studio:
        yield studio
