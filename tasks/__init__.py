"""The Celery application: shells that say when, two lines each."""

from functools import cache

from celery import Celery
from celery.signals import worker_process_init

from nurture.bootstrap import House, build

app = Celery("nurture")
app.config_from_object("celeryconfig")


@cache
def house() -> House:
    """What this worker process works with, put together when it is first needed."""
    return build()


@worker_process_init.connect
def _begin_afresh(**_: object) -> None:
    """A forked process must not use its parent's connections."""
    house.cache_clear()
