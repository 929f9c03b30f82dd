"""The Celery application: shells that say when, two lines each."""

import signal
from functools import cache

from celery import Celery
from celery.signals import worker_process_init

from nurture.bootstrap import House, build
from nurture.lifeline import die_with_parent

app = Celery("nurture")
app.config_from_object("celeryconfig")


@cache
def house() -> House:
    """What this worker process works with, put together when it is first needed."""
    return build()


@worker_process_init.connect
def _begin_afresh(**_: object) -> None:
    """A forked process must not use its parent's connections, nor outlive its parent."""
    house.cache_clear()
    die_with_parent(sign=signal.SIGKILL)
