"""Writes the sample guides that stand in for the practice's own until it brings them.

    python templates/guides/make_sample_guides.py [DIRECTORY]

Each guide becomes `<DIRECTORY>/<form key>/guide.pdf`; without a directory they
are written beside the emails that promise them. The same sources give the same
bytes on every machine: the fonts are those inside the typst package, and the
date is fixed.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

import typst

HERE = Path(__file__).resolve().parent
TEMPLATES = HERE.parent
GUIDES = ("pain-guide", "over-50-guide")
MADE_AT = datetime(2026, 11, 1, tzinfo=UTC)


def make_sample_guides(directory: Path) -> list[Path]:
    """Write every guide under the directory; the answer is the paths, in the order of GUIDES."""
    return [_make(key, directory / key / "guide.pdf") for key in GUIDES]


def _make(key: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    typst.compile(
        HERE / f"{key}.typ",
        output=path,
        root=TEMPLATES,
        ignore_system_fonts=True,
        pdf_standards="ua-1",  # PDF/UA, ISO 14289-1: tagged, titled, with a language.
        timestamp=MADE_AT,
    )
    return path


if __name__ == "__main__":
    for written in make_sample_guides(Path(sys.argv[1]) if sys.argv[1:] else TEMPLATES / "emails"):
        print(f"{written}: {written.stat().st_size:,} bytes")
