"""The task that sends emails."""

from tasks import NUDGE_SECONDS, app, context


@app.task(name="tasks.delivering.deliver")
def deliver() -> None:
    """Process one batch of due enrolments; if it was full, start another."""
    from nurture.services.delivery import batch

    if batch.deliver_batch(context().dispatch).full:
        deliver.apply_async(expires=NUDGE_SECONDS)
