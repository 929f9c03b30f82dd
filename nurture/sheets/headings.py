"""What a column means by the kind of its heading, where no known program has a column so called.

People name columns in sentences, and programs put the name of a list or of a channel into them:
“Opted out of email: Offers”, “How they signed up”. Refusals come first, because a missed one is
the gravest mistake.
"""

import re
from functools import lru_cache

from nurture.sheets.columns import Meaning
from nurture.sheets.programs.generic import GENERIC

_OUT = (
    r"(?:unsub\w*|un subscribed|opt(?:s|ed|ing)? ?outs?|abgemeldet|abmeld\w*|abbestell\w*"
    r"|desabonn\w*|desinscri\w*|\bbaja\b|uitgeschreven|afgemeld|withdr[ae]w\w*|revoked|revocation"
    r"|widerruf\w*|widerspr\w*|object(?:ed|s|ion)\b|suppress\w*|block ?list\w*|black ?list\w*)"
)
_NOT = (
    r"(?:(?:do not|don t|dont|never|no|keine?|nicht|ne pas|no more|niet|geen)\b"
    r"(?: \w+){0,2}? (?:e ?mail\w*|mails?|mailings?|mailshots?|contact\w*|market\w*|newsletters?"
    r"|send|promo\w*|werbung|kontaktier\w*|anschreiben|ecrire|envoyer|contacter|contactar|mailen))"
)
_IN = (
    r"(?:consent\w*|opt(?:s|ed)? ?in|sign(?:ed)? ?up|subscri(?:be\w*|ption)|agreed\b|agrees\b"
    r"|permission|einwilligung\w*|anmeld\w*|angemeldet|eingetragen|inscri\w*|abonn\w*|suscri\w*"
    r"|consenti\w*|toestemming\w*|inschrij\w*|aangemeld)"
)
_WHEN = (
    r"(?:\b(?:date|time|timestamp|datetime|day|at|on|when|since|am|seit|wann|zeit|zeitpunkt|le|el"
    r"|fecha|op)\b|datum\b)"
)
_OTHER_CHANNEL = re.compile(
    r"\b(?:sms|mms|texts?|whats ?app|viber|phone|telephone|calls?|calling|telefon\w*|post|postal"
    r"|direct mail|letters?|push|fax)\b"
)
#: Consent to something else, of which practices keep more than of consent to emails.
_OTHER_CONSENT = re.compile(
    r"\b(?:treat\w*|medical|clinical|procedure|surgery|photo\w*|video\w*|telehealth|parent\w*"
    r"|cookies?|track\w*|terms|privacy|insurance|behandlung\w*|datenschutz\w*|paid|premium"
    r"|active subscription|subscription (?:plan|tier|price))\b"
)
_EMAIL = re.compile(r"\be ?mail|newsletter|\bmailing")

#: Of these, what comes first counts.
_KINDS = tuple(
    (re.compile(sign), meaning)
    for sign, meaning in (
        (r"\bstop(?:ped)? (?:time|date|at|on)\b", Meaning.LEFT_AT),
        (
            r"^stop(?:ped)?(?: status)?$|e ?mail disabled|disabled e ?mail|^(?:is )?blocked$",
            Meaning.REFUSES_EMAIL,
        ),
        (rf"{_OUT} (?:link|url|token|key|hash|page|rate)\b", Meaning.IGNORED),
        (r"soft ?bounce|bounce rate|spam score", Meaning.IGNORED),
        (
            rf"(?:offer\w*|shown|chance|choice|able|option|way|told how) .*{_OUT}"
            rf"|{_OUT} (?:\w+ )?(?:offered|shown|available|possible|angeboten|box)",
            Meaning.WAY_OUT_OFFERED,
        ),
        (rf"{_OUT}.*{_WHEN}|{_WHEN}.*{_OUT}", Meaning.LEFT_AT),
        (r"\bbounce[sd]?\b|\bhard ?bounce", Meaning.BOUNCED_AT),
        (r"spam (?:complain|report)|(?:marked|reported) (?:as )?spam", Meaning.REFUSES_EMAIL),
        (rf"{_OUT}|{_NOT}|remove[d]? from (?:\w+ )*list", Meaning.REFUSES_EMAIL),
        (
            r"(?:opt in|optin|subscri\w+|newsletters?|\blist|liste|listen|e ?mail|marketing|consent"
            r"|permission|global\w*|abo\w*|anmelde\w*)s? ?(?:status|state|statut|estado)\b",
            Meaning.STATE,
        ),
        (r"confirm\w* .*\bip\b|\bip\b.* confirm", Meaning.IGNORED),
        (rf"{_IN}.*\bip\b|\bip\b.*{_IN}", Meaning.OPTED_IN_IP),
        (rf"{_IN}.*(?:expir|renew|\bends?\b|until|count|last|next)", Meaning.IGNORED),
        (rf"(?:expir|renew|\bend\b|last|next).*{_IN}", Meaning.IGNORED),
        (rf"{_IN}.*(?:wording|\btext\b|statement|language|\bwords\b|wortlaut)", Meaning.WORDING),
        (rf"{_IN}.*(?:\bpage\b|\burl\b|website|webpage)", Meaning.PAGE_URL),
        (rf"{_IN}.*\bform(?:s|ular\w*|ulaire|ulario)?\b", Meaning.FORM),
        (
            rf"(?:{_IN}|subscriber|contact) (?:\w+ )?(?:method|source|via|how|channel|where|place"
            rf"|location|quelle|uber|durch|per)\b|(?:how|where|method|source|place|wie"
            rf"|wo)\b.*{_IN}",
            Meaning.FORM,
        ),
        (rf"confirm.*{_WHEN}|{_WHEN}.*confirm", Meaning.CONFIRMED_AT),
        (rf"{_IN}.*{_WHEN}|{_WHEN}.*{_IN}|subscriber since", Meaning.OPTED_IN_AT),
        (
            rf"(?:{_IN}|accept\w*|allow\w*|wants?|wishes|happy|okay?|receives?|interested|may we"
            r"|can we|would (?:you )?like|accepte\w*|souhaite\w*).*(?:e ?mail|newsletter"
            r"|marketing|mailing|offers|updates|news\b|lettre"
            r"|contact)|(?:e ?mail|newsletter|marketing|mailing|gdpr|dsgvo|rgpd|werbung)\w* .*"
            rf"(?:{_IN}|\bok\b|\byes\b|erlaubt|erwunscht|gewunscht|souhait\w*|y n\b)|{_IN}$",
            Meaning.WANTS_EMAIL,
        ),
        (r"what .*(?:bought|purchased|booked)|(?:bought|purchased) what", Meaning.BOUGHT),
        (
            r"^e ?mail (?:(?:address )?\d(?: address| value)?|home|work|other|private)$",
            Meaning.EMAIL,
        ),
    )
)
#: What must be about email; a wording may be called a text.
_OF_A_CHANNEL = frozenset(Meaning) - {
    *(Meaning.WORDING, Meaning.IGNORED, Meaning.EMAIL, Meaning.BOUGHT)
}
_REFUSALS = frozenset({Meaning.REFUSES_EMAIL, Meaning.LEFT_AT, Meaning.BOUNCED_AT})

#: Whose name, address or telephone it is; of a buyer or a referrer it would be someone else's.
_WHOSE = re.compile(
    r"(?:billing|attendee|client|patient|contact|customer|subscriber|member|guest|invitee|your"
    r"|their|person|participant|student|user) "
)
_OF_PEOPLE = frozenset(
    {Meaning.EMAIL, Meaning.FIRST_NAME, Meaning.LAST_NAME, Meaning.FULL_NAME, Meaning.PHONE}
)

#: What may say how someone opted in, or anything else; the cell decides (`names_form`).
_VAGUE = re.compile(
    r"^(?:where|how|wo|wie|via|source|ou|comment|method)$|how|where|source|method"
    r"|via|channel|place|location|quelle|\b(?:wie|wo|uber|durch|per)\b"
)
_FORMS = re.compile(
    r"\b(?!plat|in|per|re|uni)\w*forms?\b|landing|pop[- ]?up|tick|check ?box|checkout"
    r"|\bsheet|\bcards?\b|footer|sidebar"
    r"|\bblock\b|widget|sign[ -]?up|paper|formul|[a-z]\.[a-z]+/|: /"
)
_ALONE = re.compile(r"where|how|method|source|wo|wie|via")
_DATE_ALONE = frozenset({"date", "when", "on", "datum", "wann", "am", "le", "fecha", "quand"})


@lru_cache(maxsize=10_000)
def kind_of(heading: str) -> Meaning | None:
    """Return what a column means by the words of its heading, or `None` if they say nothing.

    What is about another channel than email alone is ignored, and consent to something else.
    """
    meaning = next((each for sign, each in _KINDS if sign.search(heading)), None)
    if meaning in _OF_A_CHANNEL and _is_of_something_else(heading, meaning):
        return Meaning.IGNORED
    return meaning or _of_person(heading)


def is_vague(heading: str) -> bool:
    """Return whether a heading of forms promises none, so that each cell must name one."""
    return _VAGUE.search(heading) is not None


def names_form(cell: str) -> bool:
    """Return whether a cell names a form, a page or a sheet of paper on which one signs up."""
    return _FORMS.search(cell.casefold()) is not None


def names_other_consent(cell: str) -> bool:
    """Return whether a cell names a consent to something else than emails, as to a treatment."""
    return _OTHER_CONSENT.search(cell.casefold()) is not None


def beside(headings: tuple[str, ...], columns: dict[int, Meaning]) -> dict[int, Meaning]:
    """Return what short headings mean beside others: “date” and “how” after “Agreed to emails?”."""
    found: dict[int, Meaning] = {}
    for index, heading in enumerate(headings):
        near = headings[max(index - 2, 0) : index]
        if heading in _DATE_ALONE and any(map(_asks_for_consent, near)):
            found[index] = Meaning.OPTED_IN_AT
    if Meaning.OPTED_IN_AT in (columns | found).values():
        found |= {
            index: Meaning.FORM
            for index, heading in enumerate(headings)
            if _ALONE.fullmatch(heading) and index not in columns
        }
    return found


def in_groups(above: tuple[str, ...], headings: tuple[str, ...]) -> dict[int, Meaning]:
    """Return what short headings mean below those of groups: “Stopped”, and below it “Date”.

    A group goes on until the next one begins, as merged cells do.
    """
    found: dict[int, Meaning] = {}
    group = ""
    for index, heading in enumerate(headings):
        group = (above[index] if index < len(above) else "") or group
        unknown = heading not in GENERIC.columns or heading in _DATE_ALONE | {"form"}
        if group and unknown and (meaning := kind_of(f"{group} {heading}".strip())):
            found[index] = meaning
    return found


def _asks_for_consent(heading: str) -> bool:
    return re.search(_IN, heading) is not None and kind_of(heading) is Meaning.WANTS_EMAIL


def _is_of_something_else(heading: str, meaning: Meaning) -> bool:
    if _EMAIL.search(heading):
        return False
    other = meaning not in _REFUSALS and _OTHER_CONSENT.search(heading) is not None
    return other or _OTHER_CHANNEL.search(heading) is not None


def _of_person(heading: str) -> Meaning | None:
    whose = _WHOSE.match(heading)
    meaning = GENERIC.columns.get(heading[whose.end() :]) if whose else None
    return meaning if meaning in _OF_PEOPLE else None
