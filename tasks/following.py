"""When each machine parts with what it keeps about people who were erased.

A tick comes to one worker, on whichever machine; files lie on all of them. So each worker
process looks for itself, from a thread of its own, and needs no Redis for it.
"""

import logging
import time
from threading import Thread

from nurture.domain.errors import NurtureError
from nurture.settings import load_settings
from tasks import house

#: A machine follows within so many seconds, however seldom its sweeps are.
_SLOWEST = 20.0

_log = logging.getLogger(__name__)


def start_following() -> None:
    """Look every few seconds for as long as this process lives."""
    seconds = min(load_settings().sweep_seconds, _SLOWEST)
    Thread(target=_look, args=(seconds,), name="following", daemon=True).start()


def _look(every: float) -> None:
    said = ""
    while True:
        time.sleep(every)
        trouble = _follow()
        if trouble and trouble != said:  # What does not change is said once.
            _log.warning("%s", trouble)
        said = trouble


def _follow() -> str:
    """Follow what was erased; return what was in the way."""
    from nurture.services import following

    try:
        following.follow(house().database, house().files, house().clock())
    except NurtureError as error:
        return str(error)
    except Exception:
        _log.exception("erasures could not be followed")
    return ""
