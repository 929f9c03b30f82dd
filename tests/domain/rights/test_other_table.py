"""The table of the right to write agrees with one that was drawn up without sight of it."""

import tomllib
from pathlib import Path

import pytest

from nurture.domain.rights.mailing import Mailing
from nurture.domain.rights.table import SubscriberState, may_write
from nurture.domain.subscribers.consent import Purpose, Scope, consents_of

OTHER = tomllib.loads(Path(__file__).with_name("other_table.toml").read_text("utf-8"))

SERIES = Scope(Purpose.SERIES, "pain-guide")
NAMED = {
    "guide-asked-for": (Mailing.GUIDE, Scope(Purpose.GUIDE)),
    "series-article": (Mailing.SERIES, SERIES),
    "invitation": (Mailing.INVITATION, SERIES),
    "articles-broadcast": (Mailing.ARTICLES, Scope(Purpose.ARTICLES)),
    "news-broadcast": (Mailing.NEWS, Scope(Purpose.NEWS)),
    "personal-email": (Mailing.PERSONAL, None),
    "answer-to-question": (Mailing.ANSWER, None),
}

#: Asking for a guide is agreeing to the guide, whatever else gives the right to write.
AGREED = {
    "consent": consents_of([scope for _, scope in NAMED.values() if scope]),
    "client": consents_of([Scope(Purpose.GUIDE)]),
}

SURE = [
    (basis, state, named, cell["answer"])
    for basis, states in OTHER.items()
    for state, cells in states.items()
    for named, cell in cells.items()
    if not cell.get("doubtful")
]


@pytest.mark.parametrize(("basis", "state", "named", "answer"), SURE)
def test_every_cell_that_leaves_no_doubt_has_the_same_answer(
    basis: str, state: str, named: str, answer: str
) -> None:
    mailing, scope = NAMED[named]
    found = may_write(
        mailing,
        scope,
        AGREED[basis],
        [SubscriberState(state)],
        is_client_basis=basis == "client",
        guide_on_trial=True,  # A guide that is asked for after the bounce.
    )
    assert found.answer == answer


def test_the_other_table_covers_every_state_that_the_law_knows() -> None:
    states = set(OTHER["consent"]) & set(OTHER["client"])
    assert states == {str(state) for state in SubscriberState}
    assert len(SURE) > 100
