"""Fixtures: a house on each kind of database, with the shipped emails published."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.installation import Installation
from tests.servers.clock import ClockFile
from tests.servers.smtp import SmtpSink

__all__ = ["ScriptedSink", "home", "smtp_sink", "sqlite_home"]


class ScriptedSink(SmtpSink):
    """A mail server that does something first, each time a message has come in whole.

    What `script` returns is the answer; where that is nothing, the message is taken.
    """

    script: Callable[[SMTP], str | None] | None = None

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Do what the test wants done, and answer."""
        answer = self.script(server) if self.script else None
        return answer or await super().handle_DATA(server, session, envelope)


@pytest.fixture
def smtp_sink() -> Iterator[ScriptedSink]:
    """A real mail server that keeps what it accepts and can be told to misbehave."""
    sink = ScriptedSink()
    with sink:
        yield sink


@pytest.fixture
def home(
    database_url: str, tmp_path: Path, clock_file: ClockFile, smtp_sink: SmtpSink
) -> Iterator[Installation]:
    """A house that sends to the sink: the test runs once on each kind of database."""
    home = Installation(database_url, tmp_path, clock_file, smtp_sink.url).publish_shipped()
    yield home
    home.close()


@pytest.fixture
def sqlite_home(
    sqlite_url: str, tmp_path: Path, clock_file: ClockFile, smtp_sink: SmtpSink
) -> Iterator[Installation]:
    """A house on the embedded database, for tests that need one and not both."""
    home = Installation(sqlite_url, tmp_path, clock_file, smtp_sink.url).publish_shipped()
    yield home
    home.close()
