"""Commands for one person: what they agreed to, what is stored about them, and erasing it all."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from nurture.cli.command import main, up_to_date, with_context, with_database, written_whole

if TYPE_CHECKING:
    from datetime import datetime

    from nurture.bootstrap import Context
    from nurture.domain.subscribers.consent import ConsentRecord
    from nurture.services.subscribers.consents import Proof


@main.command()
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@with_context
def consent(context: Context, email: str, as_json: bool) -> None:
    """Print what someone agreed to, with all the evidence."""
    from nurture.services.subscribers import consents

    proof = consents.prove(context.database, _identify(context, email))
    assert proof is not None  # They have just been found.
    click.echo(json.dumps(_as_values(proof), indent=2) if as_json else _as_page(proof))


@main.command("export-person")
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON document (the default).")
@click.option(
    "--html", "page", type=click.Path(path_type=Path), help="Write a readable page to this file."
)
@with_context
def export_person(context: Context, email: str, as_json: bool, page: Path | None) -> None:
    """Print everything stored about someone, as JSON.

    This answers a request for access. With --html it is a page to read and to print.
    """
    from nurture.rendering.personal_page import personal_page
    from nurture.services.subscribers import export

    if as_json and page:
        raise click.UsageError("Choose --json or --html.")
    up_to_date(context)
    booker = export.export_booker(context.database, context.tokens, email, context.clock())
    if booker and not page and _is_nobody(context, email):
        return click.echo(json.dumps(booker, ensure_ascii=False, indent=2))
    person = _identify(context, email)
    record = export.export(*context.stored, person, context.clock())
    assert record is not None  # They have just been found.
    if page is None:
        return click.echo(json.dumps(record, ensure_ascii=False, indent=2))
    with written_whole(page) as to:
        to.write(personal_page(record))
    click.echo(f"Written to {page}.")


@main.command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@with_database
def forget(context: Context, email: str, yes: bool) -> None:
    """Erase all personal data about someone, for good.

    Only a keyed hash of the address remains, so that it is never emailed again.
    """
    from nurture.domain.errors import NurtureError
    from nurture.services.backup import withdrawals
    from nurture.services.subscribers import erasure, machine_files

    nobody = _is_nobody(context, email)
    person = 0 if nobody and _has_booked(context, email) else _identify(context, email)
    if not yes and not click.confirm(f"Erase everything about {email}? This cannot be undone."):
        return click.echo("Nothing was erased.")
    if nobody:
        erasure.forget_booker(
            context.database, context.files, context.tokens, email, context.clock()
        )
    else:
        erasure.forget(context.database, context.files, person, context.clock())
    with suppress(OSError, NurtureError):  # A worker retries; status says what is left.
        withdrawals.copy_out(context.database, context.backup_setup.journal, context.clock())
    click.echo(
        "Erased. Only a keyed hash of the address remains, so that it is never emailed again."
    )
    if machine_files.pending(context.database, context.files):
        click.echo(
            "The last traces in this machine's files are removed within moments, or once its disk "
            "has room again; “nurture status” shows when that is done."
        )


@main.command("put-back")
@click.argument("email")
@click.argument("sequence")
@with_context
def put_back(context: Context, email: str, sequence: str) -> None:
    """Put someone back into a sequence.

    Use it if you took them out or they were dropped for never collecting the guide. They carry on
    from the email they had reached. People who unsubscribed can only come back themselves, on
    their own page.
    """
    from nurture.services.subscribers import on_behalf

    person, now = _identify(context, email), context.clock()
    on_behalf.put_back(*context.stored, person, sequence, now, by="the command line")
    click.echo(f"{email} is back in {sequence} and carries on with the next email.")


def _is_nobody(context: Context, email: str) -> bool:
    from nurture.store.tables.subscribers import find_by_address

    with context.database.reading() as connection:
        return find_by_address(connection, email) is None


def _has_booked(context: Context, email: str) -> bool:
    from nurture.services.subscribers import export

    booked = export.export_booker(context.database, context.tokens, email, context.clock())
    return booked is not None


def _identify(context: Context, email: str) -> int:
    from nurture.services.subscribers.lookup import identify

    up_to_date(context)
    return identify(context.database, context.tokens, email)


def _as_values(proof: Proof) -> dict[str, Any]:
    from nurture.domain.subscribers.suppression import strongest

    return {
        "address": proof.address,
        "confirmed_at": proof.confirmed_at.isoformat() if proof.confirmed_at else None,
        "present": sorted(scope.word for scope in proof.consents.scopes),
        "suppressed": strongest(one.reason for one in proof.suppressions),
        "suppressions": [
            {"reason": one.reason, "since": one.since.isoformat(), "detail": one.detail}
            for one in proof.suppressions
        ],
        "awaited": [
            {"purpose": one.purpose, "form": one.form, "said_at": one.said_at.isoformat()}
            | {"wording": one.wording, "privacy_version": one.privacy_version}
            | asdict(one.evidence)
            for one in proof.awaited
        ],
        "records": [_record_as_values(record) for record in proof.records],
    }


def _record_as_values(record: ConsentRecord) -> dict[str, Any]:
    return {
        "purpose": record.purpose,
        "form": record.form or None,
        "granted": record.granted,
        "recorded_at": record.recorded_at.isoformat(),
        "said_at": record.said_at.isoformat() if record.said_at else None,
        "source": record.source,
        "wording": record.wording,
        "wording_hash": record.wording_hash,
        "privacy_version": record.privacy_version,
        "page_url": record.evidence.page_url,
        "client": record.evidence.client,
        "user_agent": record.evidence.user_agent,
    }


def _as_page(proof: Proof) -> str:
    from nurture.domain.subscribers.consent import Purpose

    lines = [proof.address, f"  address confirmed: {_confirmed(proof)}"]
    lines += [
        f"  not emailed: {one.reason}, since {_moment(one.since, proof)}"
        for one in proof.suppressions
    ]
    lines += [f"  {purpose}: {_standing(proof, purpose)}" for purpose in Purpose]
    for number, record in enumerate(proof.records, 1):
        lines += ["", *_record_lines(number, record, proof)]
    return "\n".join(lines)


def _confirmed(proof: Proof) -> str:
    return _moment(proof.confirmed_at, proof) if proof.confirmed_at else "no"


def _standing(proof: Proof, purpose: Any) -> str:
    latest = proof.latest(purpose)
    if tick := proof.find_awaited(purpose):
        return f"ticked on the form “{tick.form}”, not confirmed yet"
    if latest is None:
        return "never asked, or never answered"
    said = "granted" if purpose in proof.present else "withdrawn"
    return f"{said} since {_moment(latest.happened_at, proof)}"


def _record_lines(number: int, record: ConsentRecord, proof: Proof) -> list[str]:
    from nurture.domain.rights.basis import is_brought
    from nurture.domain.subscribers.consent import said_where

    evidence = record.evidence
    told = {
        "when": _moment(record.happened_at, proof),
        _HOW_TOLD[is_brought(record)]: _moment(record.recorded_at, proof) if record.said_at else "",
        "where": said_where(record.source),
        "page": evidence.page_url,
        "client": evidence.client,
        "browser": evidence.user_agent,
        "wording": f"“{record.wording}”",
        "hash": f"sha256 {record.wording_hash}",
        "privacy notice": record.privacy_version or "none given",
    }
    said = "granted" if record.granted else "withdrawn"
    lines = [f"    {name + ':':<16}{value}" for name, value in told.items() if value]
    return [f"{number}. {record.scope.named} {said}", *lines]


#: How we learnt of a consent afterwards: from the website, or with a list.
_HOW_TOLD = {False: "sent", True: "imported"}


def _moment(at: datetime, proof: Proof) -> str:
    local = at.astimezone(ZoneInfo(proof.time_zone))
    return f"{at:%Y-%m-%d %H:%M:%S} UTC ({local:%a %-d %b %Y, %H:%M} {proof.time_zone})"
