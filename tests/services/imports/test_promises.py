"""The promises of an import, for random lists and random people who are there already."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nurture.domain.subscribers.consent import Evidence, Purpose, Scope
from nurture.domain.subscribers.preferences import PreferenceChange, Wish
from nurture.domain.subscribers.suppression import SuppressionReason
from nurture.services.subscribers import erasure, preferences
from nurture.store.tables.consents import refused
from nurture.store.tables.enrolments import enrolments
from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import as_consents, find_by_address, subscribers
from nurture.store.tables.suppressions import suppress, suppressions_of
from tests.installation import Installation
from tests.lists import agreed, bring, client, left, rehearsed, stated, take_back

NAMES = ("ann", "bob", "cleo", "dan", "eve")
PEOPLE = tuple(f"{name}@example.org" for name in NAMES)
STREAMS = ("articles", "news", "series:pain-guide", "series:over-50-guide")

#: What has happened to somebody here before a list comes.
PASTS = (
    *("unknown", "signed up", "collected", "unsubscribed", "withdrew", "bounced"),
    *("complained", "erased", "lifted"),
)

_address = st.sampled_from(PEOPLE).flatmap(lambda one: st.sampled_from([one, one.upper()]))
_names = st.fixed_dictionaries(
    {},
    optional={
        "first name": st.sampled_from(["Ann", "Bob", "Zoë"]),
        "last name": st.sampled_from(["Lee", "O'Brien"]),
        "phone": st.just("020 7946 0000"),
    },
)
_plain = st.builds(lambda address: {"email": address}, _address)
_joined = st.builds(lambda address: {"email": address, "joined": "2019-05-03"}, _address)
_left = st.builds(
    left,
    _address,
    st.sampled_from(["unsubscribed", "bounced", "complained", "cleaned"]),
    st.sampled_from(["", "2019-06-01 10:00:00", "2099-01-01"]),
)
_wrong = st.just({"email": "no address"})
_rows = st.builds(
    lambda row, names: row | names,
    st.one_of(st.builds(agreed, _address), st.builds(client, _address), _plain, _joined, _left)
    | _wrong,
    _names,
)
LISTS = st.lists(_rows, min_size=1, max_size=8)
COVERS = st.frozensets(st.sampled_from(STREAMS))
CROWDS = st.fixed_dictionaries({address: st.sampled_from(PASTS) for address in PEOPLE})


_examples = count()


def apart(
    crowd: Mapping[str, str], *lists: Sequence[Mapping[str, str]]
) -> tuple[dict[str, str], list[list[dict[str, str]]]]:
    """Return an example with addresses that no other example has, as all share a database."""
    own = f"e{next(_examples)}.test"

    def renamed(address: str) -> str:
        return address.replace("example.org", own).replace("EXAMPLE.ORG", own.upper())

    rows = [[{**row, "email": renamed(row["email"])} for row in one] for one in lists]
    return {renamed(address): past for address, past in crowd.items()}, rows


class Stance(NamedTuple):
    """What one person has decided, and what is known of them."""

    row: dict[str, Any]
    refused: frozenset[Scope]
    reasons: frozenset[SuppressionReason]


_SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
few = settings(max_examples=25, deadline=None, suppress_health_check=_SLOW)


def live_through(home: Installation, crowd: Mapping[str, str]) -> None:
    """Let everyone have their past."""
    for address, past in crowd.items():
        if past != "unknown":
            home.subscribe(address, first_name="Here")
            _happen(home, address, past)
    home.clock.advance(timedelta(days=1))


def _happen(home: Installation, address: str, past: str) -> None:
    context, now = home.context, home.clock.now
    number = home.person(address)["id"]
    if past in ("collected", "withdrew"):
        home.collect(home.enrolment(address)["id"])
    if past in ("unsubscribed", "lifted"):
        preferences.unsubscribe(*context.stored, number, None, Evidence(), now)
    if past == "lifted":
        preferences.resubscribe(*context.stored, number, Evidence(), now)
    if past == "withdrew":
        no = {Scope(Purpose.SERIES, "pain-guide"): False, Scope(Purpose.NEWS): True}
        for wanted in (no, no | {Scope(Purpose.NEWS): False}):
            change = PreferenceChange(Wish.USUAL, False, False, wanted)
            preferences.change_preferences(*context.stored, number, change, Evidence(), now)
    if past in ("bounced", "complained"):
        with context.database.writing() as connection:
            key = context.tokens.address_hashes(address)[0]
            suppress(connection, key, SuppressionReason(past), now)
    if past == "erased":
        erasure.forget(context.database, context.files, number, now)


def stances(home: Installation, people: Collection[str]) -> dict[str, Stance]:
    """Return what these people have decided, as far as they are there."""
    found = {}
    rows = {row["id"]: row for row in home.rows(subscribers)}
    with home.context.database.reading() as connection:
        for address in people:
            person = find_by_address(connection, address)
            hashes = home.context.tokens.address_hashes(address)
            reasons = frozenset(o.reason for h in hashes for o in suppressions_of(connection, h))
            if person:
                no = refused(connection, person.id)
                found[address] = Stance(rows[person.id], no, reasons)
            elif reasons:
                found[address] = Stance({}, frozenset(), reasons)
    return found


@few
@given(crowd=CROWDS, rows=LISTS, covers=COVERS)
def test_no_import_turns_a_refusal_into_a_consent_or_overwrites_anything(
    home: Installation, crowd: dict[str, str], rows: list[dict[str, str]], covers: frozenset[str]
) -> None:
    crowd, [rows] = apart(crowd, rows)
    live_through(home, crowd)
    before, begun = stances(home, crowd), len(home.rows(enrolments))
    bring(home, rows, stated(covers=covers))
    after = stances(home, crowd)
    assert all(_keeps(stance, after[address]) for address, stance in before.items())
    addresses = [row["address_key"] for row in home.rows(subscribers) if row["address_key"]]
    assert len(addresses) == len(set(addresses))
    assert len(home.rows(enrolments)) == begun and home.rows(messages) == []


def _keeps(before: Stance, after: Stance) -> bool:
    if not before.row:
        return not after.row and before.reasons <= after.reasons
    had, has = as_consents(before.row["purposes"]), as_consents(after.row["purposes"])
    named = ("first_name", "last_name", "phone", "confirmed_at", "client_basis_at")
    kept = all(before.row[name] in ("", None, after.row[name]) for name in named)
    suppressed = bool(before.reasons)
    return (
        had.scopes <= has.scopes
        and not (has.scopes - had.scopes) & before.refused
        and before.reasons <= after.reasons
        and kept
        and not (suppressed and has != had)
        and not (suppressed and after.row["client_basis_at"] != before.row["client_basis_at"])
    )


@few
@given(crowd=CROWDS, rows=LISTS, covers=COVERS)
def test_the_same_file_twice_changes_nothing_and_the_rehearsal_foresees_it(
    home: Installation, crowd: dict[str, str], rows: list[dict[str, str]], covers: frozenset[str]
) -> None:
    crowd, [rows] = apart(crowd, rows)
    live_through(home, crowd)
    words = stated(covers=covers)
    foreseen = rehearsed(home, rows, words)
    first = bring(home, rows, words)
    assert (foreseen.changed, foreseen.survey.counts) == (first.changed, first.survey.counts)
    once = _without_imports(home)
    home.clock.advance(timedelta(days=1))
    assert rehearsed(home, rows, words).changed == 0
    again = bring(home, rows, words)
    assert (again.changed, again.survey.counts) == (0, first.survey.counts)
    assert _without_imports(home) == once


@few
@given(crowd=CROWDS, rows=LISTS, covers=COVERS)
def test_an_import_is_taken_back_whole(
    home: Installation, crowd: dict[str, str], rows: list[dict[str, str]], covers: frozenset[str]
) -> None:
    crowd, [rows] = apart(crowd, rows)
    live_through(home, crowd)
    before = stances(home, crowd)
    statuses = [(row["id"], row["status"]) for row in home.rows(enrolments)]
    done = bring(home, rows, stated(covers=covers)).done
    home.clock.advance(timedelta(minutes=1))
    assert done is not None
    take_back(home, done.id)
    assert stances(home, crowd) == before
    assert [(row["id"], row["status"]) for row in home.rows(enrolments)] == statuses


@few
@given(rows=LISTS, covers=COVERS)
def test_the_order_of_rows_makes_no_difference(
    home: Installation, rows: list[dict[str, str]], covers: frozenset[str]
) -> None:
    _, [rows] = apart({}, rows)
    first = rehearsed(home, rows, stated(covers=covers))
    second = rehearsed(home, rows[::-1], stated(covers=covers))
    assert first.survey.counts == second.survey.counts
    assert first.changed == second.changed


def _without_imports(home: Installation) -> dict[str, list[dict[str, Any]]]:
    return {name: rows for name, rows in home.everything().items() if name != "imports"}
