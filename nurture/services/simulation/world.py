"""Simulating what a sequence would do, without doing it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from nurture.domain.account.queue import AccountLoad
from nurture.domain.broadcasts.broadcast import key_of
from nurture.domain.errors import NurtureError
from nurture.domain.sequences.sequence import Sequence
from nurture.domain.simulation.person import Person
from nurture.domain.simulation.simulate import simulate
from nurture.domain.simulation.world import SimulatedEvent, World
from nurture.library.folder import Library, read_library
from nurture.library.sequences import parse_sequence
from nurture.services.catalogue import Catalogue, practice_calendar
from nurture.store.database import Connection
from nurture.store.tables.sequences import paused_keys


class NoSequenceError(NurtureError):
    """There is no sequence with that name to simulate."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """A person and what happens to them, in order."""

    person: Person
    entries: tuple[SimulatedEvent, ...]


def play(world: World, people: Iterable[Person], start: datetime) -> list[Simulated]:
    """Return what happens to each of these people from `start` on."""
    return [Simulated(person, tuple(simulate(world, person, start))) for person in people]


def world_as_published(
    connection: Connection, catalogue: Catalogue, account: AccountLoad | None = None
) -> World:
    """Return what is currently published and paused; may raise `NothingPublishedError`.

    `account` comes from `services.account.outlook`.
    """
    published = catalogue.current(connection)
    return World(
        sequences={**published.sequences, **published.broadcasts},
        calendar=published.calendar,
        segments=published.segments,
        topics={key: frozenset(email.topics) for key, (_, email) in published.emails.items()},
        paused=published.stopped.union(paused_keys(connection)),
        time_zone=published.practice.time_zone,
        account=account,
    )


def world_as_written(library: Library) -> World:
    """Return what the files say, whether or not it is published."""
    return World(
        sequences={source.sequence.key: source.sequence for source in library.sequences},
        calendar=practice_calendar(library.practice),
        segments=library.segments,
        topics={
            email.key: frozenset(email.front.get("topics", ()))
            for source in library.sequences
            for email in source.emails.values()
        },
        time_zone=library.practice.time_zone,
    )


def world_changed_by(path: Path, world: World) -> World:
    """Return the world as it would be if the files at `path` were published.

    A library's folder replaces everything; a sequence's folder, or its sequence.toml, replaces that
    sequence. May raise `LibraryError` or `NoSequenceError`.
    """
    if (path / "practice.toml").is_file():
        return replace(world_as_written(read_library(path)), paused=world.paused)
    plan = path / "sequence.toml" if path.is_dir() else path
    if not plan.is_file():
        raise NoSequenceError(
            f"{path} is neither a library nor a sequence.",
            remedy="Name a folder with a practice.toml or with a sequence.toml.",
        )
    key = plan.resolve().parent.name
    changed = parse_sequence(key, plan.read_text(encoding="utf-8-sig"), str(plan))
    return replace(world, sequences={**world.sequences, key: changed})


def get_sequence(world: World, key: str) -> Sequence:
    """Return the sequence with that name; may raise `NoSequenceError`."""
    if key not in world.sequences:
        known = ", ".join(sorted(key for key in world.sequences if key_of(key) is None))
        raise NoSequenceError(f"There is no sequence “{key}”.", remedy=f"There are {known}.")
    return world.sequences[key]
