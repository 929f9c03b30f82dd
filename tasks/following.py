"""When each machine deletes what it stores about erased people, and records opt-outs.

A scheduled task reaches one worker, on any machine, but every machine has files. So each worker
process checks for itself, in its own thread, and needs no Redis for that.
"""

import logging
import time
from collections.abc import Callable
from threading import Thread

from nurture.domain.errors import NurtureError
from nurture.settings import load_settings
from tasks import context

#: A machine follows within this many seconds, however rare its sweeps are.
_SLOWEST = 20.0

_log = logging.getLogger(__name__)


def start_following() -> None:
    """Check every few seconds for as long as this process lives."""
    seconds = min(load_settings().sweep_seconds, _SLOWEST)
    Thread(target=_look, args=(seconds,), name="following", daemon=True).start()


def _look(every: float) -> None:
    said: dict[Callable[[], None], str] = {}
    while True:
        time.sleep(every)
        for act in (_follow, _copy_out):
            trouble = _trouble_of(act)
            if trouble and trouble != said.get(act):  # The same trouble is reported only once.
                _log.warning("%s", trouble)
            said[act] = trouble


def _trouble_of(act: Callable[[], None]) -> str:
    """Run `act` and return what prevented it, or ""."""
    try:
        act()
    except (NurtureError, OSError) as error:
        return str(error)
    except Exception:
        _log.exception("erasures could not be followed")
    return ""


def _follow() -> None:
    from nurture.services.subscribers import machine_files

    machine_files.follow(context().database, context().files, context().clock())


def _copy_out() -> None:
    from nurture.services.backup import withdrawals

    withdrawals.copy_out(context().database, context().backup_setup.journal, context().clock())
