"""When to send."""

from tasks import NUDGE_SECONDS, app, context


@app.task(name="tasks.delivering.deliver")
def deliver() -> None:
    """Take one batch of due enrolments; where it was full, there is another."""
    from nurture.services.delivery import batch

    if batch.deliver_batch(context().dispatch).full:
        deliver.apply_async(expires=NUDGE_SECONDS)
