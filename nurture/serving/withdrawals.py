"""Copying withdrawals: if no worker does, the web side copies each to the backup destination.

Workers copy within seconds. A machine may run the web side alone, or its workers may be down;
people can still opt out there, and their opt-outs must not be lost with the machine.
"""

import logging
import time
from threading import Thread

from nurture.bootstrap import Context
from nurture.domain.errors import NurtureError
from nurture.services.backup import withdrawals

#: It checks this many times less often than a worker does, but at least this often, in seconds.
_SELDOM, _SLOWEST = 3, 15.0

_log = logging.getLogger(__name__)


def start_copying(context: Context) -> None:
    """Check every few seconds for as long as this process lives, if a destination is set."""
    if context.place is not None:
        seconds = min(_SELDOM * context.settings.sweep_seconds, _SLOWEST)
        Thread(target=_look, args=(context, seconds), name="copying", daemon=True).start()


def _look(context: Context, every: float) -> None:
    waiting, said = 0, ""
    while True:
        time.sleep(every)
        trouble = ""
        try:
            waiting = _copy_what_waits(context, waiting)
        except (NurtureError, OSError) as error:
            trouble = str(error)
        except Exception:
            _log.exception("withdrawals could not be copied")
        if trouble and trouble != said:  # The same trouble is reported only once.
            _log.warning("%s", trouble)
        said = trouble


def _copy_what_waits(context: Context, waited: int) -> int:
    """Copy what was already waiting last time, as workers go first; return how many still wait."""
    journal = context.backup_setup.journal
    waiting = withdrawals.to_copy(context.database, journal)
    if not (waiting and waited):
        return waiting
    withdrawals.copy_out(context.database, journal, context.clock())
    return 0
