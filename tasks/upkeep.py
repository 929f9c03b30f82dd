"""When to tidy up."""

from tasks import app, house


@app.task
def tidy() -> None:
    """Let go of what nobody needs any more."""
    from nurture.services import forgetting

    forgetting.tidy(house().database, house().clock())
    forgetting.drop_raw(house().database, house().clock(), house().settings.retention)
