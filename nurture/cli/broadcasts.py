"""Commands for broadcasts: one email to everyone in some segments who agreed to it."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.domain.broadcasts.broadcast import Broadcast, SendTime
    from nurture.services.broadcasts.sending import BroadcastState

#: How many people a list behind a number shows at a time.
_LISTED = 1_000

_JSON = click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")


_DAYS = click.IntRange(1, 3650)


@main.group()
def broadcast() -> None:
    """Write one email to segments: draft it, review it, send it, and take it back.

    For five minutes after “send” nothing leaves, and “undo” means that nobody gets it. After that,
    “stop” takes back everything but what is on a connection at that moment; “resume” sends the
    rest, with the text as it is then.
    """


@broadcast.command("list")
@_JSON
@with_database
def list_broadcasts(context: Context, as_json: bool) -> None:
    """List the broadcasts, the newest first."""
    from nurture.services.broadcasts.sending import list_states

    found = list_states(context.database)
    if as_json:
        return _print([_as_values(one) for one in found])
    click.echo("\n".join(map(_in_a_line, found)) or "No broadcast has been written yet.")


@broadcast.command()
@click.argument("key")
@_JSON
@with_database
def show(context: Context, key: str, as_json: bool) -> None:
    """Print one broadcast: how many have left, who waits, and why others did not get it."""
    from nurture.services.broadcasts.figures import follow_broadcast

    found = follow_broadcast(context.database, key, context.clock())
    state, funnel = found.state, found.funnel
    figures = {field.name: getattr(funnel.figures, field.name) for field in fields(funnel.figures)}
    figures["booked"] = funnel.booked
    if as_json:
        return _print(_as_values(state) | {"figures": figures})
    lines = [_in_a_line(state), *_settings_of(state.broadcast)]
    lines += [f"  {number:>8,}  {name}" for name, number in sorted(state.ends.items())]
    lines += [f"  {number:>8,}  {name}" for name, number in figures.items() if number]
    click.echo("\n".join(lines))


@broadcast.command()
@click.argument("key")
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The email, as Markdown (.md) or MJML (.mjml), with front matter.",
)
@click.option("--from", "copied", help="Start from another broadcast or from sequence/email.")
@click.option("--stream", type=click.Choice(["articles", "news"]), help="What it is about.")
@click.option("--title", default="", help="What you call it; subscribers do not see it.")
@click.option("--to", "to", multiple=True, help="A segment that gets it; repeatable.")
@click.option("--not", "besides", multiple=True, help="A segment that does not; repeatable.")
@click.option("--at", "at", default="", help="“now”, or the time to send it: 2026-12-07 09:00.")
@click.option("--on", "on", default="", help="The day to send it on each reader’s own clock.")
@click.option("--hour", default="", help="The hour on each reader’s own clock, such as 09:00.")
@click.option("--late-after", type=_DAYS, help="Drop it for those it reaches this many days late.")
@click.option("--liveliest-first", is_flag=True, help="Let those who read most get it first.")
@click.option("--invites", is_flag=True, help="It invites to book; clients do not get it.")
@_JSON
@with_database
def draft(context: Context, key: str, as_json: bool, **given: Any) -> None:
    """Write a draft, or change one.

    An existing draft keeps what you do not name. Nothing is sent.
    """
    from nurture.services.broadcasts import writing

    zone = ZoneInfo(context.get_published().practice.time_zone)
    chosen = writing.DraftOptions(
        file=given["file"],
        copied=given["copied"] or "",
        stream=given["stream"] or "",
        title=given["title"],
        to=given["to"],
        besides=given["besides"],
        timing=_when(given["at"], given["on"], given["hour"], zone),
        late_after=None if given["late_after"] is None else timedelta(days=given["late_after"]),
        liveliest_first=given["liveliest_first"],
        invites=given["invites"],
    )
    done = writing.write(*context.stored, key, chosen, context.clock())
    if as_json:
        return _print({"broadcast": done.key, "status": done.status, **_settings(done)})
    click.echo("\n".join([f"“{done.title}” is a draft.", *_settings_of(done)]))
    click.echo(f"Next: nurture broadcast review {key}")


@broadcast.command("review")
@click.argument("key")
@click.option("--people", "reason", default="", help="List the people behind a number instead.")
@click.option("--after", default=0, help="Begin the list after the person with this number.")
@_JSON
@with_database
def review_broadcast(context: Context, key: str, reason: str, after: int, as_json: bool) -> None:
    """Say who would get it, on which basis, and why others would not; nothing is sent.

    --people lists who stands behind a number: “reached”, a basis such as “confirmed”, or a reason
    such as “unsubscribed”, as --json names them.
    """
    from nurture.services.broadcasts.drafts import existing
    from nurture.services.broadcasts.review import as_json as as_values
    from nurture.services.broadcasts.review import people_of, review

    now = context.clock()
    with context.database.reading() as connection:
        published, found = context.catalogue.current(connection), existing(connection, key)
        if reason:
            people = people_of(connection, published, found, reason, after, _LISTED, now)
        else:
            fixed = context.settings.account_choices
            said = as_values(review(connection, published, found, fixed, now))
    if reason:
        rows = [{"number": p.id, "email": p.address, "first_name": p.first_name} for p in people]
        return _print(rows) if as_json else click.echo("\n".join(p.address for p in people))
    return _print(said) if as_json else click.echo("\n".join(_reviewed(said)))


@broadcast.command()
@click.argument("key")
@_JSON
@with_database
def send(context: Context, key: str, as_json: bool) -> None:
    """Send it: nothing leaves for five minutes, during which you can undo it."""
    from nurture.services.broadcasts.freezing import freeze
    from nurture.services.broadcasts.sending import find_state
    from nurture.services.broadcasts.sending import send as send_broadcast

    now = context.clock()
    sent = send_broadcast(*context.stored, key, now)
    if sent.freezes_at is not None and sent.freezes_at <= now:
        freeze(*context.stored, key, now)
    state = find_state(context.database, key)
    if as_json:
        return _print(_as_values(state))
    waiting = f"{state.waiting:,} people" if sent.freezes_at == sent.pressed_at else "everyone"
    click.echo(f"“{sent.title}” goes to {waiting} from {_moment(sent.leaves_at)}.")
    click.echo(f"Until then it can be undone: nurture broadcast undo {key}")


@broadcast.command("send-to-new")
@click.argument("key")
@_JSON
@with_database
def send_to_new(context: Context, key: str, as_json: bool) -> None:
    """Send it also to those who have come into its audience since."""
    from nurture.services.broadcasts.freezing import freeze
    from nurture.services.broadcasts.sending import find_state
    from nurture.services.broadcasts.sending import send_to_new as send_again

    now = context.clock()
    before = find_state(context.database, key).broadcast
    sent = send_again(*context.stored, key, now)
    if sent.freezes_at is not None and sent.freezes_at <= now:
        freeze(*context.stored, key, now)
    after = find_state(context.database, key)
    added = _reached(after.broadcast) - _reached(before)
    if as_json:
        return _print(_as_values(after) | {"added": added})
    click.echo(f"“{sent.title}” goes to {added:,} more people from {_moment(sent.leaves_at)}.")


@broadcast.command()
@click.argument("key")
@_JSON
@with_database
def undo(context: Context, key: str, as_json: bool) -> None:
    """Undo “send” within five minutes: nobody gets it, and it is a draft again."""
    from nurture.services.broadcasts import sending

    done = sending.undo(context.database, key, context.clock())
    if as_json:
        return _print(_as_values(sending.find_state(context.database, key)))
    click.echo(f"Undone: nobody gets “{done.title}”.")


@broadcast.command()
@click.argument("key")
@_JSON
@with_database
def stop(context: Context, key: str, as_json: bool) -> None:
    """Stop it: only what is on a connection at this moment still leaves."""
    from nurture.services.broadcasts import sending

    state = sending.stop(context.database, key, context.clock())
    if as_json:
        return _print(_as_values(state))
    click.echo(f"“{state.broadcast.title}” is stopped. {state.left:,} had left.")
    if state.on_connection:
        click.echo(f"{state.on_connection:,} more are with the mail server at this moment.")
    click.echo(f"{state.waiting:,} people still wait: nurture broadcast resume {key}")


@broadcast.command()
@click.argument("key")
@_JSON
@with_database
def resume(context: Context, key: str, as_json: bool) -> None:
    """Send a stopped broadcast to the rest, with its text as it is now."""
    from nurture.services.broadcasts import sending

    done = sending.resume(*context.stored, key, context.clock())
    state = sending.find_state(context.database, key)
    if as_json:
        return _print(_as_values(state))
    click.echo(f"“{done.title}” goes on to the {state.waiting:,} people who wait for it.")


@broadcast.command()
@click.argument("key")
@with_database
def discard(context: Context, key: str) -> None:
    """Delete a draft."""
    from nurture.services.broadcasts import drafts

    drafts.discard(context.database, key)
    click.echo("The draft is gone.")


def _reviewed(said: dict[str, Any]) -> list[str]:
    """Put a review into lines, for someone who decides whether to send."""
    lines = [f"{said['reached']:,} of {said['total']:,} people get it:"]
    lines += [f"  {number:>9,}  {basis}" for basis, number in said["by_basis"].items() if number]
    lines += ["The others do not:"] if said["not_reached"] else []
    lines += [f"  {one['number']:>9,}  {one['why']}" for one in said["not_reached"]]
    lines += [f"{one['number']:,} get it on {one['on']} instead." for one in said["later"]]
    if said["first_leaves_at"]:
        lines.append(f"It leaves from {said['first_leaves_at']} to {said['last_leaves_at']}.")
    if said["suggests_liveliest_first"]:
        lines.append(f"It goes over {said['days']} days: --liveliest-first lets the keenest first.")
    return lines


def _when(at: str, on: str, hour: str, zone: ZoneInfo) -> SendTime | None:
    """Read the options that say when; `None` if none of them is given."""
    from nurture.domain.broadcasts.broadcast import NOW, SendTime, When

    try:
        if on or hour:
            if at or not (on and hour):
                raise click.UsageError("Give --on and --hour together, and --at without them.")
            clock = time.fromisoformat(hour)
            if clock.tzinfo:
                raise ValueError("The hour is on each reader’s own clock, so it has no time zone")
            return SendTime(When.READERS, None, date.fromisoformat(on), clock)
        if not at:
            return None
        if at == "now":
            return NOW
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise click.UsageError(
            f"{error}. Write a day as 2026-12-07 and a time as 2026-12-07 09:00."
        ) from None
    return SendTime(When.AT, moment if moment.tzinfo else moment.replace(tzinfo=zone))


def _in_a_line(state: BroadcastState) -> str:
    one = state.broadcast
    parts = [f"{state.left:,} have left"]
    parts += [f"{state.in_doubt:,} in doubt"] if state.in_doubt else []
    parts += [f"{state.waiting:,} wait"] if state.waiting else []
    return f"{one.key}  {one.status}  “{one.title}”  {', '.join(parts)}"


def _settings_of(one: Broadcast) -> list[str]:
    said = _settings(one)
    return [f"  {name.replace('_', ' ') + ':':<17}{value}" for name, value in said.items() if value]


def _settings(one: Broadcast) -> dict[str, Any]:
    return {
        "title": one.title,
        "stream": one.stream.value,
        "to": list(one.audience.to),
        "not": list(one.audience.besides),
        **one.timing.as_json(),
        "late_after_days": one.late_after.days if one.late_after is not None else None,
        "liveliest_first": one.liveliest_first,
        "invites": one.invites,
    }


def _as_values(state: BroadcastState) -> dict[str, Any]:
    one = state.broadcast
    moments = ("pressed_at", "leaves_at", "frozen_at", "stopped_at", "finished_at")
    return {
        "broadcast": one.key,
        "status": one.status.value,
        **_settings(one),
        "reached": _reached(one),
        "not_reached": dict(one.counts.get("left_out", {})),
        "left": state.left,
        "on_connection": state.on_connection,
        "in_doubt": state.in_doubt,
        "waiting": state.waiting,
        "ended": dict(state.ends),
        **{name: _iso(getattr(one, name)) for name in moments},
        "trouble": one.counts.get("trouble"),
    }


def _reached(one: Broadcast) -> int:
    return int(one.counts.get("reached", 0))


def _print(values: Any) -> None:
    click.echo(json.dumps(values, ensure_ascii=False, indent=2))


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%d %B %Y, %H:%M} UTC" if moment else "its time"
