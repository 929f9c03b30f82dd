"""Loading what the programs have in common once, before forking, so that they share it.

The web side is forked first, because visitors are waiting; parts only workers need come later.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

_ROOT = Path(__file__).parent.parent.parent

#: Our packages; modules added to them are found automatically.
_OURS = ("tasks", "webhooks", "nurture")

#: Modules that no running program needs, or that must not be imported.
_LEFT_OUT = ("nurture.__main__", "nurture.demo", "nurture.store.migrations")

#: What libraries import only when first needed: in the web side, and in workers and beat.
_LATE_IN_WEB = (
    "celery.events",
    "celery.loaders.base",
    "encodings.idna",
    "holidays.countries",
    "kombu.transport.redis",
    "kombu.utils.limits",
    "uvicorn.lifespan.off",
    "uvicorn.loops.uvloop",
    "uvloop.loop",
)
_LATE_IN_WORKERS = (
    "billiard.heap",
    "billiard.popen_fork",
    "billiard.sharedctypes",
    "billiard.synchronize",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.backends.base",
    "celery.concurrency.prefork",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "cffi.cparser",
)


def ours(name: str) -> Any:
    """Import our own top-level module, even if the working directory contains one of that name."""
    if sys.path[0] != str(_ROOT):
        sys.path.insert(0, str(_ROOT))
    return import_module(name)


def load_app() -> Any:
    """Return the Celery application, with our own settings for it."""
    # Celery would look for its settings in the working directory first.
    ours("celeryconfig")
    return ours("tasks").app


def load_everything() -> None:
    """Load everything that the web side, worker and beat need, and exclude it from collection.

    The environment must be complete by now, because Celery's settings are read from it.
    """
    load_for_web()
    load_for_workers()


def load_for_web() -> None:
    """Load our own modules and what else the web side needs."""
    with _set_apart():
        load_app()
        for package in map(ours, _OURS):
            for name in _modules_of(package):
                import_module(name)
        _load(_LATE_IN_WEB)
        # It opens nothing yet, but loads the configured database's driver.
        import_module("nurture.bootstrap").build().database.close()


def load_for_workers() -> None:
    """Load what worker and beat need in addition."""
    with _set_apart():
        _load(_LATE_IN_WORKERS)


def _load(names: tuple[str, ...]) -> None:
    for name in names:
        with suppress(ImportError):  # A library that has changed only costs memory here.
            import_module(name)


@contextmanager
def _set_apart() -> Iterator[None]:
    """Freeze what is loaded: a later garbage collection of it would unshare its memory pages.

    It is not collected now either. That takes a third as long as the loading, and frees only
    a hundred kilobytes.
    """
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def _modules_of(package: Any) -> Iterator[str]:
    for found in walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.startswith(_LEFT_OUT):
            yield found.name
