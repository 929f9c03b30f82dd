"""Composing a Markdown email into the shared layout, as MJML and as plain text."""

from nurture.domain.messages.email import EmailSource
from nurture.rendering import includes
from nurture.rendering.includes import SourceLine, Spliced
from nurture.rendering.markdown.blocks import Markdown, read_markdown
from nurture.rendering.markdown.mjml import markdown_as_mjml
from nurture.rendering.markdown.text import markdown_as_text

#: The layout that Markdown is inserted into, at its `<mj-include path="content" />`.
FRAME = "layout/markdown.mjml"


def compose_markdown(source: EmailSource) -> tuple[Spliced, Spliced, list[str]]:
    """Return the whole MJML, the whole plain version and the findings about the Markdown.

    A separately written plain version is used if there is one; otherwise it is made from the
    Markdown. Findings name the line of the Markdown.
    """
    read = read_markdown(source)
    frame = source.layout.get(FRAME)
    if frame is None:
        missing = f"{FRAME} is missing. Put back the one that the program is shipped with."
        return Spliced([]), Spliced([]), [missing]
    parts = includes.shared_parts(source) | {"content": markdown_as_mjml(read, source.place)}
    design = includes.splice(includes.written_lines(frame, FRAME), parts)
    return design, includes.with_footer(_plain(source, read), source), list(read.findings)


def _plain(source: EmailSource, read: Markdown) -> list[SourceLine]:
    if source.text.strip():
        return includes.written_lines(source.text, f"{source.key}.txt")
    text = markdown_as_text(read)
    return [SourceLine(line, f"{source.place}, as plain text") for line in text.split("\n")]
