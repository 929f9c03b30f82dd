"""The right to write to a person, in sentences for the owner."""

from collections.abc import Callable, Mapping

from nurture.domain.reasons import PURPOSES, in_words
from nurture.domain.rights.basis import Basis, Strength
from nurture.domain.rights.reach import Reach
from nurture.domain.rights.table import Permission


def in_sentence(one: Reach, title_of_form: Callable[[str], str] = str) -> str:
    """Say whether one kind of marketing may be sent to a person, and why.

    Forms are named by their keys, unless they have titles.
    """
    named = PURPOSES[one.scope.purpose]
    named += f" of the form “{title_of_form(one.scope.form)}”" if one.scope.form else ""
    named = named[0].upper() + named[1:]
    if one.why is not None:
        verb = "may not be sent" if one.answer is Permission.NO else "may be sent later, not now"
        return f"{named} {verb}: {in_words(one.why)}."
    if one.basis is Basis.CLIENT:
        return f"{named} may be sent: they are a client, and could say no."
    return f"{named} may be sent: {_PROVED[one.strength]}."


#: How well a consent is proved, in words.
_PROVED: Mapping[Strength | None, str] = {
    Strength.CONFIRMED: "they agreed, and the address is confirmed",
    Strength.FORM: "they agreed in a form",
    Strength.EVIDENCE: "they agreed elsewhere, as the imported list shows",
    Strength.STATED: "they agreed elsewhere, as you have stated",
    None: "they agreed",
}
