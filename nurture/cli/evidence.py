"""Commands for signed evidence: making it, checking it, and a new key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nurture.cli.command import main, with_database
from nurture.domain.errors import NurtureError

if TYPE_CHECKING:
    from nurture.bootstrap import Context

_A_PATH = click.Path(path_type=Path)
_MAKE = "make"


class _MakesByDefault(click.Group):
    """A group in which an address alone is the argument of `make`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Name the command if none is named."""
        if args and "@" in args[0] and args[0] not in self.commands:
            args = [_MAKE, *args]
        return super().parse_args(ctx, args)


@main.group(cls=_MakesByDefault)
def evidence() -> None:
    """Make signed evidence about a person, or check it.

    “nurture evidence ADDRESS --out FILE.zip” is short for “nurture evidence make …”.
    """


@evidence.command(_MAKE)
@click.argument("email")
@click.option("--out", type=_A_PATH, required=True, help="The zip file to write.")
@with_database
def make_evidence(context: Context, email: str, out: Path) -> None:
    """Write what proves how someone was treated, signed, into a zip file."""
    from nurture.files.private import replace_private
    from nurture.services.evidence.bundle import EvidenceSource, make_bundle

    public_url = context.settings.public_url
    source = EvidenceSource(*context.stored, context.tokens, context.seal, public_url)
    bundle = make_bundle(source, email, context.clock())
    try:
        replace_private(out, bundle)
    except OSError as error:
        raise NurtureError(
            f"{out} cannot be written: {error.strerror}.",
            remedy="Choose a folder that you can write to.",
        ) from None
    click.echo(f"Written to {out}. Anyone can check it; READ ME.txt in it says how.")


@evidence.command("verify")
@click.argument("file", type=_A_PATH)
@click.option("--key", type=_A_PATH, help="The practice's public key, from /privacy/key.")
def verify_evidence(file: Path, key: Path | None) -> None:
    """Check that no byte of signed evidence has been changed; needs no database.

    With --key, it must be signed with that key; without, with the one inside the file.
    """
    from nurture.services.evidence.verification import verify

    trusted = _read(key).decode("utf-8", "replace") if key else ""
    if key and not trusted:
        raise NurtureError(f"{key} is empty.")
    try:
        found = verify(_read(file), trusted)
    except NurtureError as error:
        raise NurtureError(f"{file}: {error.message}", remedy=error.remedy) from None
    click.echo(f"{file} is as it was signed by {found.practice}: evidence about {found.address}, ")
    click.echo(f"made at {found.made_at}. The key's fingerprint is {found.fingerprint}.")
    if not found.is_trusted:
        click.echo("Whose key that is, the file cannot prove: compare it with the published one.")


@evidence.command("new-key")
@with_database
def new_key(context: Context) -> None:
    """Make a new key that signs from now on, if the old one is lost or has leaked.

    What was signed before can still be checked: earlier public halves stay published.
    """
    from nurture.services.evidence.container import fingerprint_of
    from nurture.services.evidence.keys import renew_key

    made = renew_key(context.database, context.seal, context.clock())
    click.echo(
        f"A new key signs from now on. Its fingerprint is {fingerprint_of(made.public_key)}."
    )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise NurtureError(f"{file} cannot be read: {error.strerror}.") from None
