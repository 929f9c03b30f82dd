"""The Celery application: tasks of two lines each that only decide when things run.

A task imports what it needs when it first runs, because the scheduler loads these modules too
and needs none of it. A worker loads everything before it forks, so that its children share the
memory.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from celery import Celery
from celery.signals import beat_init, worker_init, worker_process_init

from nurture.faults import keep_values_out_of_logs
from nurture.files.private import keep_private
from nurture.lifeline import die_with_parent
from nurture.settings import load_settings

if TYPE_CHECKING:
    from nurture.bootstrap import Context

#: A wake-up call is dropped if no worker accepts it in this many seconds; a sweep brings another.
NUDGE_SECONDS = 30

keep_values_out_of_logs()

app = Celery(
    "nurture", amqp="tasks.broker:PromptAMQP", task_cls="tasks.standing_back:DeferringTask"
)
app.config_from_object("celeryconfig")


@cache
def context() -> Context:
    """Return this worker process's context, built when it is first needed."""
    from nurture.bootstrap import build

    return build()


#: The worker whose children are forked from this process; a child inherits the number.
_forked_by: int | None = None


@beat_init.connect
def _keep_private(**_: object) -> None:
    """Set a private umask, since Celery's own command may start us with any umask."""
    keep_private()


@worker_init.connect
def _close_files(**_: object) -> None:
    keep_private()
    for said in load_settings().mend_files().sentences:
        sys.stderr.write(f"nurture: {said}\n")


@worker_init.connect
def _load_before_forking(**_: object) -> None:
    global _forked_by
    _forked_by = os.getpid()
    services = ("services.delivery.sweep", "services.subscribers.erasure")
    for module in ("bootstrap", "bank_holidays", *services):
        import_module(f"nurture.{module}")
    gc.collect()
    gc.freeze()  # What is loaded stays; collecting it would unshare its pages.


@worker_process_init.connect
def _begin_afresh(**_: object) -> None:
    """Drop inherited connections after a fork, and make this process die with its parent."""
    context.cache_clear()
    start_following = import_module("tasks.following").start_following
    # If the parent was killed before this line, nothing else would report it.
    die_with_parent(_forked_by, sign=signal.SIGKILL)
    start_following()
