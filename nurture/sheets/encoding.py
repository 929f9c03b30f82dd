"""Guessing in which encoding a text is written; every program writes another one.

Of the single-byte encodings three are in use where people keep lists: Windows-1252 and
Windows-1250 by Excel on Windows, Mac Roman by Excel on a Mac.
"""

import codecs
import re
from collections.abc import Iterator, Mapping
from typing import IO

#: What a text begins with that names its encoding; the longer marks first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLOCK = 65536

#: Words, and of how many bytes of those with a letter outside ASCII the guess is made.
_WORD = re.compile(rb"[0-9A-Za-z\x80-\xff]+")
_ENOUGH = 16384

#: How likely each letter is in a list of names; a letter that is not here is rarer than any.
_LIKELY: Mapping[str, float] = {
    **dict.fromkeys("éèëêüöäßáíóúñçïôâîàœ", 2.0),
    **dict.fromkeys("ąćęłśźżńčřšžěůýňťďőűăşţđ", 1.5),
    **dict.fromkeys("øåæãð", 1.5),
    **dict.fromkeys("õû", 1.4),
    **dict.fromkeys("ìòùÿþ", 0.5),
}
_VOWELS = frozenset("aeiouyáéíóúýěů")
#: Signs that stand between words, or in place of one.
_SIGNS = frozenset("’‘“”–—£€…©®°´§·•«» ")


def encoding_of(file: IO[bytes]) -> str:
    """Return the name of the encoding in which a file is most likely written."""
    start = file.read(_BLOCK)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    if wide := _without_mark(start):
        return wide
    return "utf-8" if _is_utf8(start, file) else _single_byte(start, file)


def _without_mark(start: bytes) -> str:
    """Return which UTF-16 it is if every second byte is null, as in Latin letters."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    half = len(start) // 2
    if half and odd > half * 0.4 and odd > 10 * even:
        return "utf-16-le"
    return "utf-16-be" if half and even > half * 0.4 and even > 10 * odd else ""


def _is_utf8(start: bytes, file: IO[bytes]) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in iter(lambda: file.read(_BLOCK), b""):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _single_byte(start: bytes, file: IO[bytes]) -> str:
    """Return the encoding in which the words of a file look most like names."""
    words = b" ".join(_odd_words(file))
    scores = {name: _likelihood(words, name) for name in ("cp1252", "mac_roman", "cp1250")}
    return max(scores, key=scores.__getitem__)


def _odd_words(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    length = 0
    for block in iter(lambda: file.read(_BLOCK), b""):
        for word in (found for found in _WORD.findall(block) if not found.isascii()):
            yield word[:100]
            length += len(word) + 1
            if length > _ENOUGH:
                return


def _likelihood(words: bytes, encoding: str) -> float:
    text = words.decode(encoding, errors="replace")
    around = zip(" " + text, text, text[1:] + " ", strict=False)
    return sum(_worth(*three) for three in around if three[1] > "\x7f")


def _worth(before: str, letter: str, after: str) -> float:
    """Return how well a letter fits between its neighbours; below nothing if it does not."""
    if letter == "\ufffd" or letter < "\xa0":
        return -10
    if letter.isalpha():
        return -3 if _is_misplaced(before, letter, after) else _frequency(before, letter, after)
    if letter in _SIGNS:
        return -1 if before.isalpha() and after.isalpha() and letter != "’" else 1
    return -3


def _is_misplaced(before: str, letter: str, after: str) -> bool:
    """Return whether no word has such a letter there: capitals within, or beside a digit."""
    capital = (letter.isupper() and before.islower()) or (letter.islower() and after.isupper())
    return capital or before.isdigit() or after.isdigit()


def _frequency(before: str, letter: str, after: str) -> float:
    """Return how likely a letter is there.

    No word begins with “è”, and Danish has “ø” between consonants; what seems so is Czech.
    """
    if not (before.isalpha() or after.isalpha()):
        return 0
    if letter in "èìòù" and not before.isalpha():
        return -0.5
    if letter == "ø" and (before.lower() in _VOWELS or after.lower() in _VOWELS):
        return 0
    return _LIKELY.get(letter.lower(), -0.5)
