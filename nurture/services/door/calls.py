"""The latest calls of each website: what became of them, for the person who builds it.

What a visitor wrote is never noted: only what read the form, and the names of two fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from nurture import builders
from nurture.domain.door.found_fields import label_of
from nurture.services.catalogue import Catalogue, NothingPublishedError
from nurture.services.door.reception import Receipt, SentOutcome
from nurture.services.door.site_keys import UnknownSiteError, get_stored_site
from nurture.services.inbound.refusals import UNKNOWN, without_addresses
from nurture.store.database import Database, DatabaseUnavailableError
from nurture.store.tables import site_calls
from nurture.store.tables.site_calls import SiteCall

#: How much of a field's name is noted.
_LONGEST = 60

_BECAME: Mapping[SentOutcome, str] = {
    SentOutcome.TAKEN: "Signed up.",
    SentOutcome.REPEATED: "The same call came before, so it was accepted and nothing was done.",
    SentOutcome.WAITS: "Accepted. Many signups are coming in, so this one waits for its turn.",
    SentOutcome.KEPT: (
        "Accepted and kept, but none of its fields was recognised as the email address. The "
        "practice has to say once which field it is; then this signup counts."
    ),
}


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call of a website as its builder sees it; `refused` if nothing was stored."""

    called_at: datetime
    form: str
    status: int
    reader: str
    said: str

    @property
    def refused(self) -> bool:
        """Whether the call was refused."""
        return self.status >= 400


def note_call(database: Database, catalogue: Catalogue, call: SiteCall) -> None:
    """Note what became of a website's call; ignore an unavailable database.

    Forms that do not exist share one name, as the caller may have made it up.
    """
    try:
        with database.writing() as connection:
            known = call.form in catalogue.current(connection).forms
            named = replace(call, form=call.form if known else UNKNOWN)
            site_calls.add_site_call(connection, named)
    except (DatabaseUnavailableError, NothingPublishedError):
        return


def find_site_number(database: Database, key: str) -> int | None:
    """Return the number of the website with a key, or `None` if it is unknown or revoked."""
    try:
        with database.reading() as connection:
            return get_stored_site(connection, key).id
    except (DatabaseUnavailableError, UnknownSiteError):
        return None


def list_calls(database: Database, site_id: int, most: int) -> list[LiveCall]:
    """Return the latest calls of a website, newest first."""
    with database.reading() as connection:
        calls = site_calls.site_calls_of(connection, site_id, most)
    return [
        LiveCall(one.called_at, one.form, one.status, reader_label(one.reader), one.said)
        for one in calls
    ]


def became_of(receipt: Receipt) -> str:
    """Return what became of an accepted call, in sentences that quote nothing a visitor wrote."""
    found = (("email address", receipt.address_in), ("name", receipt.name_in))
    fields = [f"The {what} came from the field “{_named(at)}”." for what, at in found if at]
    odd = ["A tick box was not understood, so it does not count."] if receipt.not_understood else []
    return " ".join([_BECAME[receipt.outcome], *fields, *odd])


def reader_label(reader: str) -> str:
    """Return what read a form, in words; "" if nothing did."""
    if builder := builders.registry().get(reader):
        return builder.label
    return _OWN_READERS.get(reader, "")


def _named(pointer: str) -> str:
    return without_addresses(label_of(pointer))[:_LONGEST]


_OWN_READERS = {
    builders.NATIVE: "Our own field names",
    builders.MAPPED: "The practice’s field mapping",
}
