"""Imports: the list of them, a page for each, taking one back, and the poster for the unknown."""

from urllib.parse import urlsplit

import segno
from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.bootstrap import Context
from nurture.services.imports.undo import find_obstacle, undo
from nurture.services.imports.words import MEANINGS as PILE_MEANINGS
from nurture.store.tables.imports import Import, find_import, list_imports
from nurture.web.studio.core.errors import confirm_page
from nurture.web.studio.core.flash import tell
from nurture.web.studio.lists.uploaded import LARGEST_SHOWN
from nurture.web.studio.lists.words import PILES
from nurture.web.views import Views

#: Characters of the words on a poster, and of the address that it leads to.
_LONGEST_WORDS, _LONGEST_ADDRESS = 200, 500


class ImportPages(Views):
    """The views."""

    def show_lists(self) -> str:
        """Show every import, and the form for another."""
        with self.context.database.reading() as connection:
            found = list_imports(connection)
        return render_template("studio/lists.html", found=found, largest=LARGEST_SHOWN)

    def show_import(self, number: int) -> str:
        """Show what one import brought."""
        one = self._get(number)
        return render_template(
            "studio/import.html",
            one=one,
            obstacle=find_obstacle(self.context.database, one),
            piles=PILES,
            pile_meanings={str(pile): said for pile, said in PILE_MEANINGS.items()},
        )

    def ask_undo(self, number: int) -> str:
        """Ask whether to take an import back."""
        one = self._get(number)
        return confirm_page(
            f"Take import {one.id} back?",
            f"{one.changed:,} people were added or changed by it.",
            facts=(
                "People who came only with this list are removed, with everything about them.",
                "People who were here before are as they were.",
                "People who have since decided something themselves stay.",
            ),
            button="Yes, take it back",
            action=url_for("studio.undo_import", number=number),
            back=url_for("studio.show_import", number=number),
            danger=True,
        )

    def undo(self, number: int) -> Response:
        """Take an import back."""
        context = self.context
        done = undo(*context.stored, context.files, number, context.clock())
        tell(f"Taken back: {done.removed:,} removed, {done.restored:,} put back as they were.")
        return redirect(url_for("studio.show_import", number=number), 303)

    def show_unknown(self) -> str:
        """Explain why the unknown may not be asked by email, and offer a poster."""
        website = self.context.practice.website_url
        return render_template("studio/list_unknown.html", website=website)

    def show_poster(self) -> str:
        """Show a poster to print, with a QR code that leads to the form on the website."""
        address = request.args.get("address", "").strip()[:_LONGEST_ADDRESS]
        words = request.args.get("words", "").strip()[:_LONGEST_WORDS]
        if not _is_web_address(address):
            abort(400, "Give the whole address of the page with your form, with https://.")
        code = segno.make(address, error="m", micro=False)
        return render_template(
            "studio/poster.html",
            address=address,
            words=words,
            code=code.svg_data_uri(border=2, omitsize=True),
        )

    def _get(self, number: int) -> Import:
        with self.context.database.reading() as connection:
            found = find_import(connection, number)
        return found or abort(404, "There is no such import.")


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for imports."""
    views, one = ImportPages(context), "/people/lists/<int:number>"
    studio.get("/people/lists")(views.show_lists)
    studio.get("/people/lists/unknown", endpoint="show_unknown")(views.show_unknown)
    studio.get("/people/lists/poster", endpoint="show_poster")(views.show_poster)
    studio.get(one)(views.show_import)
    studio.get(f"{one}/undo", endpoint="ask_undo_import")(views.ask_undo)
    studio.post(f"{one}/undo", endpoint="undo_import")(views.undo)


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname) and text.isprintable()
