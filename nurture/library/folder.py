"""Reading `templates/emails/` into plain values: the practice, the sequences and their emails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nurture.domain.audience.conditions import Segments
from nurture.domain.messages.email import EmailFormat, EmailSource
from nurture.domain.practice import Practice
from nurture.domain.sequences.sequence import Sequence, is_guide_name, is_plain_name
from nurture.library.practice import parse_practice, refuse_slips
from nurture.library.reading import LibraryError, read_toml
from nurture.library.segments import parse_segments
from nurture.library.sequences import parse_sequence

_FENCE = "+++"


@dataclass(frozen=True, slots=True)
class SequenceSource:
    """One sequence folder: the plan, its TOML text, and its emails by step."""

    sequence: Sequence
    toml: str
    emails: Mapping[str, EmailSource]


@dataclass(frozen=True, slots=True)
class Library:
    """Everything that was written, ready to be checked and published."""

    practice: Practice
    practice_toml: str
    sequences: tuple[SequenceSource, ...]
    segments: Segments = field(default_factory=Segments)
    segments_toml: str = ""


def read_library(root: Path) -> Library:
    """Read the whole folder; raise `LibraryError` at the first file that cannot be read."""
    root = root.resolve()
    practice_toml = _read(root / "practice.toml", root)
    refuse_slips(practice_toml, str(root / "practice.toml"))
    layout = {f"layout/{path.name}": _read(path, root) for path in sorted(root.glob("layout/*"))}
    folders = sorted(path.parent for path in root.glob("*/sequence.toml"))
    if not folders:
        raise LibraryError(f"{root} has no sequence.", remedy="Add a folder with a sequence.toml.")
    segments = root / "segments.toml"
    segments_toml = _read(segments, root) if segments.exists() else ""
    return Library(
        practice=parse_practice(practice_toml, str(root / "practice.toml")),
        practice_toml=practice_toml,
        segments=parse_segments(segments_toml, str(segments)),
        segments_toml=segments_toml,
        sequences=tuple(_read_sequence(folder, layout) for folder in folders),
    )


def parse_email(content: str, place: str) -> tuple[dict[str, Any], str, int]:
    """Split an email file into its front matter, its body and the line the body begins on."""
    if not content.startswith(_FENCE):
        raise LibraryError(
            f"{place}, line 1: there is no front matter.",
            remedy="Begin the file with a line +++, then subject and preheader, then +++.",
        )
    front, found, body = content[len(_FENCE) :].partition(f"\n{_FENCE}\n")
    if not found:
        raise LibraryError(f"{place}: the front matter does not end.", remedy="Close it with +++.")
    return read_toml(front, place), body, front.count("\n") + 3


def _read_sequence(folder: Path, layout: Mapping[str, str]) -> SequenceSource:
    toml = _read(folder / "sequence.toml", folder.parent)
    sequence = parse_sequence(folder.name, toml, str(folder / "sequence.toml"))
    emails = {s.email: _read_email(folder, s.email, layout) for s in sequence.steps}
    if sequence.has_guide:
        _insist_on_guide(folder, sequence.guide_file)
    return SequenceSource(sequence, toml, emails)


def _insist_on_guide(folder: Path, name: str) -> None:
    """Raise `LibraryError` unless the guide, which subscribers receive, is a PDF in this folder."""
    if not is_guide_name(name):
        raise LibraryError(
            f"{folder / 'sequence.toml'}, guide: “{name}” is no PDF of this folder.",
            remedy="Write its name alone, such as “guide.pdf”.",
        )
    if not _inside(folder / name, folder.parent).is_file():
        raise LibraryError(
            f"{folder / name} is missing.",
            remedy="Put the guide's PDF there, or name another file as guide in sequence.toml.",
        )


def _read_email(folder: Path, name: str, layout: Mapping[str, str]) -> EmailSource:
    """Read an email's file and its plain-text version, which is optional for Markdown."""
    if not is_plain_name(name):
        raise LibraryError(
            f"{folder / 'sequence.toml'}: “{name}” is no email of this folder.",
            remedy="Write the name of its file alone, without its ending.",
        )
    markdown, mjml = folder / f"{name}.md", folder / f"{name}.mjml"
    if markdown.exists() and mjml.exists():
        raise LibraryError(f"{markdown} and {mjml} are one email.", remedy="Remove one of them.")
    path = mjml if mjml.exists() else markdown
    written = EmailFormat(path.suffix.removeprefix("."))
    plain = folder / f"{name}.txt"
    has_plain = written is EmailFormat.MJML or plain.exists()
    return parse_source(
        f"{folder.name}/{name}",
        written,
        _read(path, folder.parent),
        _read(plain, folder.parent) if has_plain else "",
        layout,
    )


def parse_source(
    key: str, written: EmailFormat, content: str, text: str, layout: Mapping[str, str]
) -> EmailSource:
    """Make an email's source from its files; raise `LibraryError` naming the place."""
    front, body, first_line = parse_email(content, f"{key}.{written}")
    return EmailSource(key, front, body, text, layout, first_line, written, content)


#: No file that people write is this large; a larger one is not even opened.
_LARGEST_FILE = 1024 * 1024


def _read(path: Path, root: Path) -> str:
    """Return the text of a file of the library."""
    try:
        if _inside(path, root).stat().st_size > _LARGEST_FILE:
            raise LibraryError(f"{path} is larger than a megabyte.", remedy="Make it shorter.")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise LibraryError(
            f"{path} is missing.", remedy="Add it, or remove what names it."
        ) from None
    except UnicodeDecodeError:
        raise LibraryError(f"{path} is not UTF-8 text.", remedy="Save it as UTF-8.") from None


def _inside(path: Path, root: Path) -> Path:
    """Return a file's real path; raise `LibraryError` if a link leads out of the library."""
    try:
        real = path.resolve()
    except (OSError, RuntimeError):
        raise LibraryError(f"{path} is a link to itself.", remedy="Put the file there.") from None
    if not real.is_relative_to(root):
        raise LibraryError(
            f"{path} is a link that leads out of {root}.", remedy="Put the file itself there."
        )
    return real
