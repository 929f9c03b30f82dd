"""Fixtures: one WordPress for the run, with nothing in it for each test; and an installation."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nurture.clock import real_now
from nurture.services.door.plugin import build_zip, plugin_forms
from nurture.services.door.site_keys import add_site
from tests.installation import Installation
from tests.installations import smtp_sink, sqlite_home
from tests.servers.clock import ClockFile
from tests.servers.ports import free_port
from tests.wordpress.practice import Practice
from tests.wordpress.site import WordPress, wordpress

__all__ = ["smtp_sink", "sqlite_home"]


@pytest.fixture(scope="session")
def installed() -> Iterator[WordPress]:
    """A WordPress, as it is installed."""
    # The path of the database's socket must be short.
    directory = Path(tempfile.mkdtemp(prefix="wp-"))
    try:
        with wordpress(directory) as site:
            yield site
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def practice(
    installed: WordPress, sqlite_home: Installation, clock_file: ClockFile, tmp_path: Path
) -> Iterator[Practice]:
    """A practice whose WordPress has the plugin, as uploaded from its zip; nothing is running."""
    clock_file.set(real_now())
    context, port = sqlite_home.context, free_port()
    site = add_site(context.database, context.seal, "The practice", clock_file.now)
    zip_file = tmp_path / "nurture.zip"
    forms = plugin_forms(context.get_published())
    zip_file.write_bytes(build_zip(site, f"http://127.0.0.1:{port}", forms, "1.2.3"))
    installed.jar.clear()
    installed.upload(zip_file)
    practice = Practice(installed, sqlite_home, site, port)
    yield practice
    complaints = installed.take_log()
    practice.forget()
    assert complaints == ""
