"""The tasks that bring hits into the database and judge them."""

from tasks import app, context


@app.task(name="tasks.recording.fold_hits")
def fold_hits() -> None:
    """Fold in what this machine's web processes have recorded since the last run."""
    from nurture.services.tracking import fold

    fold.fold_journals(context().database, context().journals)


@app.task(name="tasks.recording.judge_hits")
def judge_hits() -> None:
    """Judge the hits that have been held for long enough.

    It folds once more first: with several machines, a scheduled task runs on only one of them, and
    each has its own journals, which must not wait.
    """
    from nurture.services.tracking import fold, verdicts

    fold.fold_journals(context().database, context().journals)
    verdicts.judge_held(context().database, context().clock())
