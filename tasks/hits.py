"""When to bring the hits into the database, and when to judge them."""

from tasks import app, context


@app.task(name="tasks.recording.fold_hits")
def fold_hits() -> None:
    """Fold what this machine's web processes have written down since the last time."""
    from nurture.services.tracking import fold

    fold.fold_journals(context().database, context().journals)


@app.task(name="tasks.recording.judge_hits")
def judge_hits() -> None:
    """Judge what has been held for long enough.

    Folding comes before it once more: with several machines a tick is one machine's, and each
    has journals of its own that must not wait.
    """
    from nurture.services.tracking import fold, verdicts

    fold.fold_journals(context().database, context().journals)
    verdicts.judge_held(context().database, context().clock())
