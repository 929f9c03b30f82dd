"""Sentences: what people type in place of a name that an email must not greet them with.

A greeting quotes what anyone may have typed for anyone's address, so it would be a way to have an
advertisement sent. Real names decide what may be listed here: a word that is also a name, such as
Win, Cash or Free, counts only beside another such word.
"""

import re
from collections.abc import Sequence
from unicodedata import category, name

_WORD = re.compile(r"\S+")

#: Words that occur in sentences, and in no name.
_OF_SENTENCES = frozenset(
    _WORD.findall(
        "account advert advertise affiliate amazing apply betting bitcoin bitcoins btc buy casino "
        "cheap cialis claim click com congrats congratulations coupon credit crypto cryptocurrency "
        "customer dating deposit discount dollars download email ethereum exclusive expires "
        "followers forex gambling guaranteed guide hacked hello here http https income instantly "
        "invest jackpot limited loans lottery maintenant mortgage now nudes nude offers "
        "online order org password payday payment paypal pharmacy pills please porn prize prizes "
        "profit promo promotion refund register reply reward sexy signup spam subscribe subscribed "
        "telegram this today traffic unsubscribe urgent viagra visit voucher wallet webcam website "
        "whatsapp winners winning www xxx your yours "
        # German, French, Spanish, Italian, Portuguese, Dutch, Polish and Turkish.
        "angebot gewinnen gewonnen jetzt kaufen klicken klicke kostenlos kredit achetez cliquez "
        "gagnez gratuit gratuits félicitations ahora aquí clic dinero felicidades ganaste oferta "
        "clicca aqui clique dinheiro ganhe grátis gratis klik nieuwsbrief darmowe kliknij tutaj "
        "bedava tıkla ücretsiz "
        # Russian and Ukrainian.
        "бесплатно безкоштовно биткоин выиграл выиграли выигрыш деньги заработок здесь казино "
        "купить кредит нажми нажмите переходи подарок приз сайт сейчас скидка ставки"
    )
)

#: Words that are names too: Johnny Cash, Win Htut, Penny Free. Two of them are a sentence.
_IN_DOUBT = frozenset(
    _WORD.findall(
        "all argent best bet big bit bonus car cash code dear deal deals earn easy euro extra "
        "fast for free fun gagner geld get gewinn girls go gold hier hi hot iphone link loan lucky "
        "make men money more new offer play pounds premio price quick rich sale save shop single "
        "site soldi top trip vinci vip win winner with won you"
    )
)

#: Scripts with letters that look alike, so that a name in two of them hides a word.
_LOOK_ALIKE = frozenset({"ARMENIAN", "CHEROKEE", "COPTIC", "CYRILLIC", "GREEK", "LATIN", "LISU"})

#: Letters of phonetics, in which a word is only drawn.
_SMALL_CAPITALS = "SMALL CAPITALS"

#: Scripts that are written together in one word.
_EAST_ASIAN = frozenset({"BOPOMOFO", "CJK", "HANGUL", "HIRAGANA", "IDEOGRAPHIC", "KATAKANA"})


def says_something(words: Sequence[str]) -> bool:
    """Return whether words are a sentence, or a part of one, rather than a name."""
    bare = [word.casefold().strip(".,!?:;'’") for word in words]
    doubtful = sum(word in _IN_DOUBT for word in bare)
    return doubtful > 1 or any(word in _OF_SENTENCES for word in bare)


def hides_something(words: Sequence[str]) -> bool:
    """Return whether letters of several scripts are mixed as nobody writes a name.

    Two scripts in one word are, and so are two anywhere that have letters alike, and capitals drawn
    small. A name in Latin letters beside one in Chinese characters is not.
    """
    scripts = [_scripts(word) for word in words]
    every = frozenset[str]().union(*scripts)
    is_mixed = len(every & _LOOK_ALIKE) > 1 or any(len(one) > 1 for one in scripts)
    return is_mixed or _SMALL_CAPITALS in every


def _scripts(word: str) -> frozenset[str]:
    """Return the scripts of a word; marks and modifiers belong to every script."""
    letters = [name(c, "") for c in word if category(c) in ("Lu", "Ll", "Lt", "Lo")]
    return frozenset(map(_script, letters))


def _script(letter: str) -> str:
    script = letter.partition(" ")[0].partition("-")[0]
    if "SMALL CAPITAL" in letter:
        return _SMALL_CAPITALS
    return "EAST ASIAN" if script in _EAST_ASIAN else script
