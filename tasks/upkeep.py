"""When to tidy up."""

from tasks import app, context


@app.task
def tidy() -> None:
    """Let go of what nobody needs any more."""
    from nurture.services.subscribers import erasure

    erasure.tidy(context().database, context().files, context().clock())
    erasure.drop_raw(context().database, context().clock(), context().settings.retention)


@app.task
def believe_silence() -> None:
    """Lift the bounces of those whose guide, asked for again, has not come back."""
    from nurture.services.inbound import bounces

    bounces.believe_silence(context().database, context().catalogue, context().clock())


@app.task
def ask_the_quiet() -> None:
    """Ask whoever has not been heard of for long whether they still want the emails."""
    from nurture.services.delivery import sunset

    sunset.ask_the_quiet(context().database, context().catalogue, context().clock())


@app.task
def back_up() -> None:
    """Make this night's backup, where a place for it is set and nobody has made it yet."""
    from nurture.services.backup import backups

    backups.back_up_tonight(context().backup_setup, context().clock())
