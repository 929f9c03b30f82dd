"""The task that looks for what is due."""

from contextlib import suppress

from celery.signals import worker_ready

from tasks import NUDGE_SECONDS, app, context
from tasks.deliver import deliver


#: The name since the first release, so that workers of two releases can share one queue.
@app.task(name="tasks.advancing.sweep")
def sweep() -> None:
    """Take over from workers that died, and start a delivery for each batch that is due."""
    from nurture.services.delivery.sweep import batches_due

    for _ in range(batches_due(context().dispatch)):
        deliver.apply_async(expires=NUDGE_SECONDS)


@worker_ready.connect
def _sweep_at_once(**_: object) -> None:
    """Sweep before the scheduler's first tick: a worker may have been killed mid-task."""
    with suppress(Exception):  # If Redis is unavailable now, the next tick does it.
        sweep.apply_async(expires=NUDGE_SECONDS, retry=False)
