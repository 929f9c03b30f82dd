"""What people typed as their name, and which part of it an email may greet them with.

If it is not clear which word is the first name, none is used: “Hello,” offends nobody.
"""

import re
from unicodedata import category, normalize

from nurture.domain.subscribers.sentences import hides_something, says_something

_WORD = re.compile(r"\S+")
_LONGEST = 40

#: A first name has at most this many words, and a full name this many.
_MOST_WORDS, _MOST_WORDS_IN_FULL = 3, 6

#: Titles that precede a name, with or without a full stop.
_TITLES = frozenset(
    _WORD.findall(
        "mr mrs ms miss mx madam captain colonel rt dr dra doctor prof professor rev revd "
        "reverend rabbi imam father herr herrn frau fräulein hr dipl monsieur madame "
        "mademoiselle mme mlle señor señora señorita "
        "senor senora senorita sr sra srta doña signor signora signorina dott dottssa "
        "sig.ra dott.ssa dhr mevr meneer mevrouw senhor senhora pan pani"
    )
)
#: Titles that are also first names, unless they end with a full stop.
_TITLES_WITH_A_STOP = frozenset(
    _WORD.findall("capt cmdr col fr gen hon ing lt m maj mag major sgt sig st")
)
#: Titles that are followed by the first name, never by the surname alone.
_BEFORE_FIRST_NAMES = frozenset(_WORD.findall("sir dame lady lord"))

#: The lower-case words with which surnames begin.
_BEFORE_SURNAMES = frozenset(_WORD.findall("al da de del della den der di du la le ter van von zu"))

#: What may follow a name.
_BEHIND = frozenset(
    _WORD.findall("phd md mba bsc msc esq obe mbe cbe jr jnr snr ii iii dphil mcsp frcs frcp")
)

#: What people type instead of giving a name.
_NO_NAMES = frozenset(
    {"anonymous", "name", "firstname", "first name", "full name", "vorname", "nobody", "none"}
    | {"no name", "null", "test", "true", "false", "undefined", "unknown", "your name", "xxx"}
)


def plain_first_name(text: str | None) -> str:
    """Return a first name that is safe to print in an email, or an empty string.

    Anyone who fills in a form may type anything for any address, so only what looks like a name
    gets into an email: letters of one script with their marks, inner spaces, hyphens, apostrophes,
    and a full stop at the end; at most three words and forty characters. A name all in capitals or
    all in lower case is capitalised as names usually are. If a title or a comma shows that it is a
    full name, it is read as one.
    """
    words, titles = _without_titles(_words(text))
    if titles or "," in (text or ""):
        return first_name_in(text)
    return "" if len(words) > _MOST_WORDS else _printable(words)


def first_name_in(full_name: str | None) -> str:
    """Return the first name within a full name, or an empty string.

    It is the word after the titles, or after the comma of “Smith, Anna”. A title with one word (“Mr
    Smith”), an initial (“J. Smith”) and “van Dyck” give no first name.
    """
    typed = _words(full_name)
    words, titles = _without_titles(typed)
    sentence = len(typed) > _MOST_WORDS_IN_FULL or says_something(typed)
    surname_only = titles and len(words) == 1 and titles[-1] not in _BEFORE_FIRST_NAMES
    if not words or sentence or surname_only or words[0] in _BEFORE_SURNAMES:
        return ""
    return _printable(words[:1])


def _printable(words: list[str]) -> str:
    name = " ".join(words)
    if not words or not _could_be(name) or _is_initial(words[0]):
        return ""
    return _written_as_names_are(name)


def _words(text: str | None) -> list[str]:
    """Return the words of a name in the order of “Anna Smith”."""
    typed = normalize("NFKC", " ".join((text or "").split()))
    surname, comma, rest = typed.partition(",")
    behind = rest.split()
    if comma and "," not in rest:
        only_titles = all(_bare(word) in _BEHIND for word in behind)
        return surname.split() if only_titles else [*behind, *surname.split()]
    return typed.split()


def _without_titles(words: list[str]) -> tuple[list[str], list[str]]:
    """Return the words of a name without titles and suffixes, and the titles before it."""
    titles: list[str] = []
    while words and (title := _title(words, behind_one=bool(titles))):
        titles.append(_bare(title))
        glued = words[0][len(title) :]
        words = ([glued] if glued else []) + words[1:]
    while len(words) > 1 and _bare(words[-1]) in _BEHIND:
        words = words[:-1]
    return words, titles


def _title(words: list[str], *, behind_one: bool) -> str:
    """Return the title that the first word is, or begins with as in “Dr.Anna”, if any.

    An abbreviation followed by more words counts as a title, known or not, unless it is an initial.
    """
    word, abbreviated = words[0], words[0].endswith(".")
    if _bare(word) in _TITLES | _BEFORE_FIRST_NAMES:
        return word
    if _bare(word) in _TITLES_WITH_A_STOP and (abbreviated or (behind_one and len(words) > 1)):
        return word
    if len(words) > 1 and (_bare(word) == "the" or (abbreviated and not _is_initial(word))):
        return word
    glued = re.match(r"([^\W\d_]+)\.(?=[^\W\d_])", word)
    return glued[0] if glued and _bare(glued[0]) in _TITLES | _BEFORE_FIRST_NAMES else ""


def _bare(word: str) -> str:
    return word.casefold().strip(".,")


def _could_be(name: str) -> bool:
    allowed = all(c in " -'’." or category(c)[0] in "LM" for c in name)
    begins = name[:1].isalpha() and len(name) <= _LONGEST
    words = name.split()
    known = _bare(name) not in _NO_NAMES and not says_something(words)
    plain = "." not in name.rstrip(".") and not hides_something(words)
    return allowed and begins and known and plain


def _is_initial(name: str) -> bool:
    """Return whether a name is one letter of a script that has capitals.

    In other scripts, one letter can be a whole name.
    """
    letters = re.sub(r"[^\w]", "", name)
    return len(letters) == 1 and letters.lower() != letters.upper()


def _written_as_names_are(name: str) -> str:
    """Capitalise each part of a name that is all in capitals or all in lower case."""
    shouted = name.isupper() and sum(map(str.isalpha, name)) > 2
    if not (shouted or name.islower()):
        return name
    return re.sub(r"[^\W\d_][^\s'’-]*", lambda part: part[0].capitalize(), name)
