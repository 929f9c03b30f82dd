"""When to look for what is due."""

from tasks import NUDGE_SECONDS, app, house
from tasks.delivering import deliver


@app.task
def sweep() -> None:
    """Take over from workers that died, and wake as many as there are batches due."""
    from nurture.services import sweeping

    for _ in range(sweeping.batches_due(house().dispatch)):
        deliver.apply_async(expires=NUDGE_SECONDS)
