"""Where visitors go after a hosted form: our page of thanks, or the site's own."""

from datetime import datetime

from nurture.addresses import AddressError, plain_page
from nurture.services.catalogue import Catalogue
from nurture.services.door.origins import AllowedOrigins, OriginError, allowed_in
from nurture.services.subscribers.signup import insist_on_form
from nurture.store.database import Connection, Database
from nurture.store.tables import form_pages


def find_thanks(database: Database, form: str) -> str:
    """Return the site's own page of thanks for a form as the owner wrote it, or ""."""
    with database.reading() as connection:
        return form_pages.find_thanks(connection, form)


def keep_thanks(
    database: Database, catalogue: Catalogue, form: str, url: str, now: datetime
) -> None:
    """Store the site's own page of thanks for a form; empty brings ours back.

    Raise `OriginError` unless it is on a site of the allow-list, and `UnknownFormError`.
    """
    with database.writing() as connection:
        published = catalogue.current(connection)
        insist_on_form(published, form)
        allowed = allowed_in(connection, published.practice.website_url)
        form_pages.keep_thanks(connection, form, _plain(url.strip(), allowed), now)


def thanks_for(connection: Connection, allowed: AllowedOrigins, form: str, asked: str = "") -> str:
    """Return the site's own page of thanks, or "" for ours.

    What the page itself `asked` for counts before what the owner stored. Either must be on the
    allow-list at this moment, or a stranger could use us to send visitors anywhere.
    """
    wanted = (asked, form_pages.find_thanks(connection, form))
    return next((url for url in wanted if url and allowed.covers(url)), "")


def _plain(url: str, allowed: AllowedOrigins) -> str:
    if not url:
        return ""
    try:
        plain = plain_page(url)
    except AddressError as error:
        raise OriginError(f"That is no address of a page: {error}") from None
    if not allowed.covers(plain):
        raise OriginError(
            "That page is on a website that is not on the list.",
            remedy="Add the website first.",
        )
    return plain
