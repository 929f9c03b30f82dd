"""Loading what the programs have in common once, before they part and share its memory."""

import gc
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

_ROOT = Path(__file__).parent.parent.parent

#: Our packages: whatever is put into them is found by itself.
_OURS = ("tasks", "webhooks", "nurture")

#: What no running program needs, or what must not be imported to be used.
_LEFT_OUT = ("nurture.__main__", "nurture.demo", "nurture.store.migrations")

#: What libraries import only when they first need it.
_LATE = (
    "billiard.heap",
    "billiard.popen_fork",
    "billiard.sharedctypes",
    "billiard.synchronize",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.backends.base",
    "celery.concurrency.prefork",
    "celery.events",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "cffi.cparser",
    "encodings.idna",
    "holidays.countries",
    "kombu.transport.redis",
    "uvicorn.lifespan.off",
    "uvicorn.loops.uvloop",
    "uvloop.loop",
)


def ours(name: str) -> Any:
    """Our own top-level module, whatever the working directory holds under that name."""
    if sys.path[0] != str(_ROOT):
        sys.path.insert(0, str(_ROOT))
    return import_module(name)


def load_app() -> Any:
    """The Celery application, with our own settings for it."""
    # Celery would look for its settings in the working directory first.
    ours("celeryconfig")
    return ours("tasks").app


def load_everything() -> None:
    """Load all that web side, worker and beat need, and set it apart from what changes.

    The environment must be complete by now, because Celery's settings are read from it.
    """
    gc.disable()
    load_app()
    for package in map(ours, _OURS):
        for name in _modules_of(package):
            import_module(name)
    for name in _LATE:
        with suppress(ImportError):  # A library that has changed costs memory here, no more.
            import_module(name)
    # It opens nothing yet, and loads the driver of the database that is set.
    import_module("nurture.bootstrap").build().database.close()
    # Looking through what stays anyway would write to its pages, and unshare them.
    gc.collect()
    gc.freeze()
    gc.enable()


def _modules_of(package: Any) -> Iterator[str]:
    for found in walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.startswith(_LEFT_OUT):
            yield found.name
