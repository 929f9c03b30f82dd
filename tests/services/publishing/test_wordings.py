"""A form may cover something else only with other words; people of before keep theirs."""

import shutil
from pathlib import Path

import pytest

from nurture.domain.subscribers.consent import Purpose, Scope
from nurture.library.folder import read_library
from nurture.services.publishing import files
from nurture.services.publishing.files import Publication
from nurture.services.publishing.wordings import RenamedFormError, SameWordsError
from nurture.store.tables.subscribers import find_subscriber
from tests.installation import SHIPPED, Installation

BEFORE, AFTER = 'grants  = ["guide", "series"]', 'grants  = ["guide", "series", "news"]'
OLD_WORDS, NEW_WORDS = "with our FREE 21 page guide.", "with our FREE guide, series and news."


class Files:
    """A copy of the shipped files, whose form for the pain guide is changed."""

    def __init__(self, home: Installation, directory: Path) -> None:
        self.home, self.root = home, directory / "emails"
        shutil.copytree(SHIPPED, self.root)
        self.plan = self.root / "pain-guide" / "sequence.toml"

    def publish(self, *changes: tuple[str, str]) -> Publication:
        plan = self.plan.read_text()
        assert [old for old, _ in changes if old not in plan] == []
        for old, new in changes:
            self.plan.write_text(self.plan.read_text().replace(old, new))
        now = self.home.clock.now
        return files.publish(self.home.context.database, read_library(self.root), now)


@pytest.fixture
def changed(home: Installation, tmp_path: Path) -> Files:
    return Files(home, tmp_path)


def streams(home: Installation, person: int) -> set[str]:
    with home.context.database.reading() as connection:
        found = find_subscriber(connection, person)
    assert found
    return {scope.word for scope in found.consents.streams}


def test_the_same_words_cannot_cover_something_else(changed: Files) -> None:
    with pytest.raises(SameWordsError, match="“guide”, “series” before") as refused:
        changed.publish((BEFORE, AFTER))
    assert "Change “wording” too" in refused.value.remedy
    with pytest.raises(SameWordsError):
        files.check_wordings(changed.home.context.database, read_library(changed.root))


def test_words_of_long_ago_still_cover_what_they_covered(changed: Files) -> None:
    changed.publish((OLD_WORDS, NEW_WORDS), (BEFORE, AFTER))
    with pytest.raises(SameWordsError):
        changed.publish((NEW_WORDS, OLD_WORDS))


def test_new_words_cover_more_for_people_who_sign_up_from_then_on(
    home: Installation, changed: Files
) -> None:
    home.subscribe("before@example.org")
    changed.publish((OLD_WORDS, NEW_WORDS), (BEFORE, AFTER))
    home.subscribe("after@example.org")
    assert streams(home, 1) == {Scope(Purpose.SERIES, "pain-guide").word}
    assert streams(home, 2) == {Scope(Purpose.SERIES, "pain-guide").word, "news"}


def test_the_word_from_before_there_were_streams_covers_the_same(changed: Files) -> None:
    assert changed.publish((BEFORE, 'grants  = ["guide", "marketing"]')).changed == ["pain-guide"]


KEY, OTHER_KEY = 'key     = "pain-guide"', 'key     = "back-guide"'


def test_a_form_keeps_its_key_while_anyone_agrees_to_its_series(
    home: Installation, changed: Files
) -> None:
    home.subscribe("before@example.org")
    with pytest.raises(RenamedFormError, match="would be called “back-guide”") as refused:
        changed.publish((KEY, OTHER_KEY))
    assert "Leave “key” as “pain-guide”" in refused.value.remedy


def test_a_form_that_nobody_has_agreed_in_may_get_another_key(changed: Files) -> None:
    assert changed.publish((KEY, OTHER_KEY)).changed == ["pain-guide"]


def test_another_key_makes_the_same_words_cover_nothing_else(changed: Files) -> None:
    with pytest.raises(SameWordsError):
        changed.publish((KEY, OTHER_KEY), (BEFORE, AFTER))


def test_the_form_of_another_sequence_cannot_cover_something_else_either(changed: Files) -> None:
    changed.publish((KEY, OTHER_KEY), (OLD_WORDS, NEW_WORDS))
    folder = changed.root / "pain-guide"
    folder.rename(changed.root / "back-pain")
    changed.plan = changed.root / "back-pain" / "sequence.toml"
    with pytest.raises(SameWordsError):
        changed.publish((BEFORE, AFTER))


def test_white_space_makes_no_other_words(changed: Files) -> None:
    with pytest.raises(SameWordsError):
        changed.publish((OLD_WORDS, "with  our FREE 21 page guide. "), (BEFORE, AFTER))
