"""The task that reads the owner's mailbox."""

from tasks import app, context


@app.task
def read() -> None:
    """Take in what has come back and what people have replied, if a mailbox is set."""
    from nurture.services.inbound import mailbox

    mailbox.read_mailbox(context().inbound_desk, context().mailbox, context().clock())
