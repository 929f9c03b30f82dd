"""Fixtures: an installation with an older database that has not been upgraded."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nurture.bootstrap import bring_up_to_date
from nurture.services.reports import status
from tests.installation import Installation
from tests.installations import smtp_sink
from tests.servers.clock import ClockFile
from tests.servers.smtp import SmtpSink
from tests.upgrades.restoring import STATES, Seen, restore

__all__ = ["Old", "old", "smtp_sink"]


@dataclass
class Old:
    """An installation with an older database, and what its own version said about it."""

    home: Installation
    seen: Seen

    def upgrade(self) -> Installation:
        """Upgrade the database; its location has changed, so arm it."""
        context = self.home.context
        bring_up_to_date(context)
        status.arm(context.database, context.fingerprint, context.witness, self.home.clock.now)
        return self.home


@pytest.fixture(params=STATES)
def old(
    request: pytest.FixtureRequest,
    empty_url: str,
    tmp_path: Path,
    clock_file: ClockFile,
    smtp_sink: SmtpSink,
) -> Iterator[Old]:
    """Each older state, on each kind of database."""
    seen = restore(request.param, empty_url)
    clock_file.set(seen.now)
    home = Installation(empty_url, tmp_path, clock_file, smtp_sink.url)
    yield Old(home, seen)
    home.close()
