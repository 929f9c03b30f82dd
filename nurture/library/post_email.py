"""A post of the blog as an email, written as the practice's other emails are.

Nothing that the post says becomes markup: its title is a value that is printed, and its words are
written so that Markdown and the template print them as they are.
"""

import re

from nurture.domain.broadcasts.posts import Post
from nurture.library.writing import written_email

#: A longer subject is refused.
_LONGEST_SUBJECT = 75
_LONGEST_PREHEADER = 100

_NO_WORDS = "A new article on the blog."

_BODY = """\
# {{{{ article_title }}}}

Hello{{% if first_name %}} {{{{ first_name }}}}{{% endif %}},

There is a new article on the blog, and this is how it begins.
{picture}{paragraph}
[Read the article]({{{{ article_url }}}})

*{{{{ practice.owner }}}}*
"""

#: What Markdown reads as more than a character, wherever it stands.
_ACTIVE = re.compile(r"[\\`*_\[\]<>&]")

#: What it reads so only at the beginning of a paragraph.
_LEADING = re.compile(r"^(#|[-+=~|:]|\d{1,9}(?=[.)]))")

#: What would begin something of the template.
_TEMPLATE = re.compile(r"\{(?=[{%#])")


def post_email(post: Post) -> str:
    """Return the file of an email that introduces a post."""
    front = {
        # The name of a value is refused in a subject, also where it is only printed.
        "subject": _cut(plain_template(post.title).replace("_", " "), _LONGEST_SUBJECT),
        "preheader": _preheader(post),
        "topics": [],
        "article": post.address,
        "article_title": post.title,
    }
    picture = (
        f"\n![The picture of this article]({_address(post.picture)})\n" if post.picture else ""
    )
    paragraph = f"\n{markdown_of(post.paragraph)}\n" if post.paragraph else ""
    return written_email(front, _BODY.format(picture=picture, paragraph=paragraph))


def plain_template(text: str) -> str:
    """Return text in which nothing begins a value or a condition."""
    return _TEMPLATE.sub("{ ", text)


def markdown_of(text: str) -> str:
    """Return one line of text as Markdown that prints it as it is."""
    quoted = _ACTIVE.sub(lambda found: "\\" + found[0], plain_template(text))
    return _LEADING.sub(_led, quoted)


def _led(found: re.Match[str]) -> str:
    start = found[0]
    # A number that would begin a list: its own last digit cannot be quoted, but be written out.
    return f"&#{ord(start[0])};{start[1:]}" if start[0].isdigit() else f"\\{start}"


def _preheader(post: Post) -> str:
    words = _cut(plain_template(post.paragraph), _LONGEST_PREHEADER)
    return words if words and words.casefold() != post.title.casefold() else _NO_WORDS


def _address(address: str) -> str:
    """Return an address as it stands between the brackets of a Markdown picture."""
    return address.replace("(", "%28").replace(")", "%29").replace("&", "&amp;")


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:.-–—") + "…"
