"""All programs, in the order in which their exports are looked for."""

from collections.abc import Mapping

from nurture.sheets.programs.apple import APPLE, CARDS
from nurture.sheets.programs.brevo import BREVO
from nurture.sheets.programs.fluentcrm import FLUENTCRM
from nurture.sheets.programs.generic import GENERIC
from nurture.sheets.programs.google import GOOGLE
from nurture.sheets.programs.groundhogg import GROUNDHOGG
from nurture.sheets.programs.kit import KIT
from nurture.sheets.programs.listmonk import LISTMONK
from nurture.sheets.programs.mailchimp import MAILCHIMP
from nurture.sheets.programs.mailerlite import MAILERLITE
from nurture.sheets.programs.mailpoet import MAILPOET
from nurture.sheets.programs.own import OWN
from nurture.sheets.programs.program import ListProgram

_ALL = (
    *(OWN, MAILCHIMP, MAILPOET, MAILERLITE, GROUNDHOGG, LISTMONK, FLUENTCRM, BREVO, KIT),
    *(GOOGLE, APPLE, CARDS, GENERIC),
)

PROGRAMS: Mapping[str, ListProgram] = {program.key: program for program in _ALL}


def program_of(headers: frozenset[str]) -> ListProgram:
    """Return the program that writes these columns; `GENERIC` if none is known to."""
    return next((one for one in _ALL if one.is_of(headers)), GENERIC)
