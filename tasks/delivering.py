"""When to send."""

from nurture.services import delivering, sweeping
from tasks import app, house


@app.task
def deliver() -> None:
    """Take one batch of due enrolments; where it was full, there is another."""
    if delivering.deliver_batch(house().dispatch).full:
        deliver.apply_async(expires=sweeping.NUDGE_SECONDS)
