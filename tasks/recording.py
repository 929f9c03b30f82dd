"""When to bring the hits into the database, and when to judge them."""

from tasks import app, house


@app.task
def fold_hits() -> None:
    """Fold what this machine's web processes have written down since the last time."""
    from nurture.services import judging, tracking

    tracking.fold_journals(house().database, house().journals)
    judging.judge_held(house().database, house().clock())
