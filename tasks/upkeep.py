"""When to tidy up."""

from nurture.services import forgetting
from tasks import app, house


@app.task
def tidy() -> None:
    """Let go of what nobody needs any more."""
    forgetting.tidy(house().database, house().clock())
