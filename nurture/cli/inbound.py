"""The command through which a mail server passes on what came back."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, private_settings

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.domain.messages.inbound_mail import InboundMail
    from nurture.domain.tracking.events import EventKind

#: The exit code that asks a mail server to keep a mail and try again (EX_TEMPFAIL, sysexits.h).
_TRY_AGAIN = 75

#: Where Postfix, Exim and others say for whom a mail came; each counts only with our signature.
_RECIPIENTS = ("ORIGINAL_RECIPIENT", "RECIPIENT")


@main.command()
@click.option("--recipient", default="", help="The address that the mail came for.")
def inbound(recipient: str) -> None:
    """Take in one mail from standard input: a bounce, a complaint or a reply.

    Let a mail server pass what comes back to this command, where no mailbox can be read by IMAP.
    The exit code is 0 whether or not the mail says anything about an email of yours, and 75, upon
    which the mail server keeps it and tries again, if the database is unavailable.
    """
    from nurture.domain.errors import NurtureError
    from nurture.mail.mailbox.parts import LARGEST
    from nurture.mail.mailbox.reader import read_inbound

    data = sys.stdin.buffer.read(LARGEST)
    # The rest is read as well, because a mail server takes a closed pipe for a failure.
    while sys.stdin.buffer.read(LARGEST):
        pass
    try:
        told = _take_in(_context(), read_inbound(data), recipient)
    except NurtureError as error:
        click.echo(f"nurture: {error}", err=True)
        sys.exit(_TRY_AGAIN)
    except Exception as error:
        # A mail that cannot be taken in must not go back to whoever sent it, nor come again for
        # ever. The text of the error may quote the mail, so only its kind is told.
        return click.echo(f"nurture: the mail was passed over ({type(error).__name__}).", err=True)
    click.echo(f"It says: {told}." if told else "It says nothing about an email of yours.")


def _context() -> Context:
    from nurture.bootstrap import build, refuse_newer, refuse_older

    context = build(private_settings(warn=False))
    refuse_newer(context.database)
    refuse_older(context.database)
    return context


def _take_in(context: Context, mail: InboundMail, recipient: str) -> EventKind | None:
    from nurture.services.inbound.mailbox_news import take_in

    given = [recipient, *(os.environ.get(name, "") for name in _RECIPIENTS)]
    now = context.clock()
    told = take_in(context.inbound_desk, mail, None, now, filter(None, given))
    context.doorbell.ring()
    return told
