"""The benches can lay out what they measure, so a moved file is noticed before measuring."""

from pathlib import Path

from bench.library import ARTICLE, SEQUENCE, lay_out_library
from nurture.library.folder import read_library


def test_the_emails_that_are_measured_can_be_read(tmp_path: Path) -> None:
    library = read_library(lay_out_library(tmp_path / "emails"))
    [sequence] = [one for one in library.sequences if one.sequence.key == SEQUENCE]
    assert ARTICLE in {step.email for step in sequence.sequence.steps}
