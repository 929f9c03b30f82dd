"""The words of docstrings, help texts, error messages and problem details.

Each entry names a word that does not appear in them and the word to use instead. Code in backticks
is not prose and is left out.
"""

import ast
import re
from collections.abc import Iterator, Mapping

import click
import pytest

from nurture.cli import main
from tests.architecture.codebase import Definition, Module, modules
from webhooks.openapi import document

#: What the field calls something else, and what reads as translated.
WORDS: Mapping[str, str] = {
    r"contacts?": "subscriber",
    r"lead magnets?": "guide",
    r"campaigns?": "sequence, or broadcast",
    r"drips?": "sequence",
    r"block ?lists?|black ?lists?": "suppressions",
    r"opt-in flag": "consent record",
    r"mails": "emails; a message is one email to one subscriber",
    r"whoever|whomever|whosoever": "anyone who, people who",
    r"whom": "who",
    r"somebody|anybody|everybody": "someone, anyone, everyone, people",
    r"at present": "now, currently",
    r"anew|afresh": "again",
    r"(of|by) (it|them)selves|of itself": "automatically, without help",
    r"let be|lets be": "leave alone, stop emailing",
    r"(?<!set )aside": "except, apart",
    r"reckons?|reckoned|reckoning": "calculate",
    r"all the same": "anyway, still",
    r"so many": "a number of, n",
    r"(the|a|no) way back": "undo",
    r"(?<!one )of ours": "our",
    r"a no|a yes": "a refusal, an opt-out; a consent",
    r"noes|yeses": "refusals; consents",
    r"house": "installation, app",
    r"stands? (against|in the way)": "mean, prevent, be",
    r"told apart": "distinguished",
    r"put by|puts by": "store",
    r"goes for": "applies to",
    r"as it were": "nothing",
    r"over there": "nothing",
}
#: A relative clause as the subject of a sentence: *Who has left may still ask …*
CLAUSES = re.compile(r"(?:^|[.;] )(Who|Whose) [^?]*$", re.MULTILINE)

#: The program, its tests and its benches; migrations are read once.
EVERY = [
    m for m in modules("nurture", "tasks", "webhooks", "tests", "bench") if "migr" not in m.name
]

_FORBIDDEN = re.compile(rf"\b({'|'.join(WORDS)})\b", re.IGNORECASE)
_CODE = re.compile(r"`[^`]*`|“[^”]*”")


def docstrings(module: Module) -> Iterator[tuple[str, str]]:
    """Every docstring of a module with the name it belongs to."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Module | Definition) and (text := ast.get_docstring(node)):
            yield f"{module.name}.{getattr(node, 'name', '')}", text


def errors(module: Module) -> Iterator[tuple[str, str]]:
    """Every literal sentence that a module raises, with its line."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith("Error"):
            continue
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield f"{module.name}, line {part.lineno}", part.value


def help_texts(command: click.Command, name: str = "nurture") -> Iterator[tuple[str, str]]:
    """The help of a command, of its options and of its commands."""
    yield name, " ".join(filter(None, (command.help, command.epilog, command.short_help)))
    for option in command.params:
        if isinstance(option, click.Option) and option.help:
            yield f"{name} {option.opts[0]}", option.help
    if isinstance(command, click.Group):
        for key, one in command.commands.items():
            yield from help_texts(one, f"{name} {key}")


def api_texts(part: object, place: str = "openapi") -> Iterator[tuple[str, str]]:
    """Every title, summary and description of the API's document."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("title", "summary", "description") and isinstance(value, str):
                yield f"{place}.{key}", value
            yield from api_texts(value, f"{place}.{key}")
    elif isinstance(part, list):
        for number, one in enumerate(part):
            yield from api_texts(one, f"{place}[{number}]")


def offences(texts: Iterator[tuple[str, str]]) -> list[str]:
    """Return every forbidden word with its place."""
    return [
        f"{place}: “{found}” in {text!r}"
        for place, text in texts
        if (found := offence(text)) is not None
    ]


def offence(text: str) -> str | None:
    """Return the first forbidden word of a text, or `None`."""
    prose = _CODE.sub("", text)
    found = _FORBIDDEN.search(prose) or CLAUSES.search(prose)
    return found[0] if found else None


def test_docstrings_use_the_words_of_the_field() -> None:
    assert offences(text for module in EVERY for text in docstrings(module)) == []


def test_error_messages_use_the_words_of_the_field() -> None:
    assert offences(text for module in modules() for text in errors(module)) == []


def test_help_texts_use_the_words_of_the_field() -> None:
    assert offences(help_texts(main)) == []


def test_the_description_of_the_api_uses_the_words_of_the_field() -> None:
    described = document(["pain-guide"], "https://emails.example.org")
    assert offences(api_texts(described)) == []


@pytest.mark.parametrize(
    "text",
    [
        "Return the mails of a person.",
        "Whoever signs up gets the guide.",
        "Who has left may still ask for their data.",
        "Stop it. Who does not answer is asked again.",
        "Everybody in the campaign.",
    ],
)
def test_a_word_of_another_tongue_would_be_noticed(text: str) -> None:
    assert offence(text)


@pytest.mark.parametrize(
    "text", ["Return the `mails` of a sink.", "Who is in a segment?", "It was set aside."]
)
def test_code_questions_and_other_senses_are_left_alone(text: str) -> None:
    assert offence(text) is None
