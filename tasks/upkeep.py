"""The tasks that tidy up and do other upkeep."""

from tasks import app, context


@app.task
def tidy() -> None:
    """Delete what is no longer needed."""
    from nurture.services.account import limits
    from nurture.services.imports.uploads import Uploads
    from nurture.services.keys.mailboxes import know_mailboxes
    from nurture.services.subscribers import erasure

    Uploads.of(context().settings.data_dir).sweep(context().clock())
    limits.forget_old_offers(context().database, context().clock())
    know_mailboxes(context().database, context().tokens)
    erasure.tidy(context().database, context().files, context().clock())
    erasure.drop_raw(context().database, context().clock(), context().settings.retention)


@app.task
def believe_silence() -> None:
    """Lift the bounces of people whose guide, requested again, has not come back."""
    from nurture.services.inbound import bounces

    bounces.believe_silence(context().database, context().catalogue, context().clock())


@app.task
def ask_the_quiet() -> None:
    """Ask people who have been silent for a long time whether they still want the emails."""
    from nurture.services.delivery import sunset

    sunset.ask_the_quiet(context().database, context().catalogue, context().clock())


@app.task
def back_up() -> None:
    """Make tonight's backup, if a place for it is set and no other process has made it yet."""
    from nurture.services.backup import backups

    backups.back_up_tonight(context().backup_setup, context().clock())


@app.task
def follow_feed() -> None:
    """Make drafts of the blog's new posts, if a feed is set, and tell the owners of them."""
    from nurture.services.broadcasts import feed_hour

    feed_hour.follow_feed(context().dispatch, context().settings, context().clock())
