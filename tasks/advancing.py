"""When to look for what is due."""

from nurture.services import sweeping
from tasks import app, house
from tasks.delivering import deliver


@app.task
def sweep() -> None:
    """Take over from workers that died, and wake as many as there are batches due."""
    for _ in range(sweeping.batches_due(house().dispatch)):
        deliver.apply_async(expires=sweeping.NUDGE_SECONDS)
