"""Whatever happens around a backup: nothing twice, nothing after an opt-out, everything once."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from nurture.domain.subscribers.consent import Evidence, Purpose
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.backup import withdrawals
from nurture.services.subscribers import erasure, preferences
from nurture.services.subscribers.suppression import suppress_address
from tests.installation import Installation
from tests.machines import backed_up, command, restored
from tests.presence import at_least_one
from tests.servers.smtp import SmtpSink

PEOPLE = tuple(f"p{n}@example.org" for n in range(8))
NEWCOMER = "newcomer@example.org"
Letter = tuple[str, str]


@dataclass
class World:
    """Random choices, a website that records its signups, and the people who opted out."""

    chance: Random
    sink: SmtpSink
    kept: list[dict[str, Any]] = field(default_factory=list)
    said_no: set[str] = field(default_factory=set)

    def letters(self, since: int = 0) -> list[Letter]:
        """Return which email went to which person."""
        return [(m.recipients[0], str(m.message["Subject"])) for m in self.sink.mails[since:]]

    def sign_up(self, home: Installation, address: str) -> None:
        ticked = (Purpose.TRACKING,) if self.chance.random() < 0.5 else ()
        self.kept.append(
            {
                "address": address,
                "ticked": ticked,
                "key": address,
                "digest": address,
                "said_at": home.clock.now,
            }
        )
        home.subscribe(**self.kept[-1])

    def replay(self, home: Installation) -> None:
        """Let the website repeat every signup, in any order, with its keys or without."""
        for one in self.chance.sample(self.kept, len(self.kept)):
            keyed = self.chance.random() < 0.5
            home.subscribe(**one | ({} if keyed else {"key": None}))

    def say_no(self, home: Installation, address: str) -> None:
        ways: list[Callable[[Installation, str], None]] = [unsubscribe, complain, erase]
        self.chance.choice(ways)(home, address)
        self.said_no.add(address)

    def collect(self, home: Installation, address: str) -> None:
        if home.person(address)["confirmed_at"] is None:
            home.collect(home.enrolment(address)["id"])

    def days(self, home: Installation, most: int) -> None:
        for address in self.chance.sample(PEOPLE, 6):
            if address in self.known(home) and address not in self.said_no:
                self.chance.choice((self.collect, self.say_no, self.collect))(home, address)
        home.live(hours=self.chance.randrange(24 * most))

    def known(self, home: Installation) -> set[str]:
        return {one["address"] for one in self.kept}


def unsubscribe(home: Installation, address: str) -> None:
    context, number = home.context, home.person(address)["id"]
    args = (context.database, context.catalogue, number, None, Evidence(), home.clock.now)
    preferences.unsubscribe(*args)


def erase(home: Installation, address: str) -> None:
    context, number = home.context, home.person(address)["id"]
    erasure.forget(context.database, context.files, number, home.clock.now)


def complain(home: Installation, address: str) -> None:
    context, number = home.context, home.person(address)["id"]
    with context.database.writing() as connection:
        whose, why = context.tokens.address_hash(address), SuppressionReason.COMPLAINED
        suppress_address(connection, number, whose, "", home.clock.now, why)


def settle(world: World, other: Installation) -> tuple[set[str], set[str], dict[str, list[str]]]:
    """Decide at random, as the owner; return who was released, who was dropped, and from what."""
    held = json.loads(command(other, "held", "list", "--json").stdout)
    chosen = {one["email"]: world.chance.choice(("release", "drop")) for one in held}
    for address, what in at_least_one(chosen.items()):
        assert command(other, "held", what, address).exit_code == 0
    released = {address for address, what in chosen.items() if what == "release"}
    steps = {one["email"]: one["steps"] for one in held}
    return released, chosen.keys() - released, steps


def collect_all(world: World, other: Installation, addresses: set[str]) -> None:
    there = {row["address"] for row in other.everything()["subscribers"]}
    for address in sorted(addresses & there):
        world.collect(other, address)


def check_lost_and_found(home: Installation, sink: SmtpSink, tmp_path: Path, seed: int) -> None:
    world, folder = World(Random(seed), sink), tmp_path / "backups"
    folder.mkdir()
    home.settings = {"NURTURE_BACKUP_URL": str(folder)}
    home.__dict__.pop("context").database.close()
    for address in PEOPLE[:5]:
        world.sign_up(home, address)
    home.deliver()
    world.days(home, most=8)
    file, words = backed_up(home, folder)
    accepted, backed_up_at = set(world.letters()), home.clock.now
    for address in PEOPLE[5:]:
        home.clock.advance(timedelta(minutes=5))
        world.sign_up(home, address)
    home.deliver() if world.chance.random() < 0.7 else None
    world.days(home, most=8)
    withdrawals.copy_out(home.context.database, home.context.backup_setup.journal, home.clock.now)
    home.close()
    other, result = restored(home, file, words)
    assert result.exit_code == 0, result.output
    live_on(world, other, accepted, backed_up_at)
    other.close()


def live_on(
    world: World, other: Installation, accepted: set[Letter], backed_up_at: datetime
) -> None:
    for what in world.chance.sample(("replay", "arm", "nothing"), 3):
        if what == "replay":
            world.replay(other)
        elif what == "arm":
            command(other, "arm")
    world.replay(other)
    command(other, "arm")
    before = len(world.sink.mails)
    assert other.deliver() == 0
    released, dropped, held = settle(world, other)
    other.subscribe(NEWCOMER)
    other.deliver()
    brought_back = set(PEOPLE[5:]) - world.said_no
    assert brought_back <= released | dropped
    collect_all(world, other, {NEWCOMER} | (brought_back & released))
    for _ in range(6):
        world.replay(other)
        other.live(days=10)
    letters = Counter(world.letters(before))
    assert set(letters.values()) <= {1}, "nobody gets anything twice"
    assert not accepted & letters.keys(), "nothing that had been accepted comes once more"
    to = {address for address, _ in letters}
    assert not to & world.said_no, "nobody who said no is written to"
    whole = {subject for address, subject in letters if address == NEWCOMER}
    got = {each: {subject for whose, subject in letters if whose == each} for each in PEOPLE}
    assert [each for each in brought_back & released if got[each] != whole] == []
    sent_again = {
        (address, m["step"])
        for address in dropped
        for m in messages_since(other, address, backed_up_at)
    }
    assert sent_again & {(each, step) for each in dropped for step in held[each]} == set()


def messages_since(home: Installation, address: str, since: datetime) -> list[dict[str, Any]]:
    there = {row["address"] for row in home.everything()["subscribers"]}
    rows = home.messages_of(address) if address in there else []
    return [row for row in rows if row["accepted_at"] and row["accepted_at"] > since]


def test_everyone_gets_their_emails_once_after_a_machine_is_lost(
    sqlite_home: Installation, smtp_sink: SmtpSink, tmp_path: Path
) -> None:
    check_lost_and_found(sqlite_home, smtp_sink, tmp_path, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, *range(4, 10)])
def test_everyone_gets_their_emails_once_whenever_a_machine_is_lost(
    sqlite_home: Installation, smtp_sink: SmtpSink, tmp_path: Path, seed: int
) -> None:
    check_lost_and_found(sqlite_home, smtp_sink, tmp_path, seed)
