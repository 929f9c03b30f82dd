"""An uploaded list: what it amounts to, what the owner says of it, and bringing it in."""

from dataclasses import replace
from datetime import timedelta

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.bootstrap import Context
from nurture.domain.disk_space import DiskUse
from nurture.domain.errors import NurtureError
from nurture.domain.imports.said import ListSaid
from nurture.services.imports import uploads as uploaded
from nurture.services.imports.bring import ImportDesk
from nurture.services.imports.uploads import LARGEST, Upload, Uploads
from nurture.services.imports.words import MEANINGS as PILE_MEANINGS
from nurture.sheets.list_file import digest_of
from nurture.store.tables.imports import find_unfinished
from nurture.web.studio.core.auth import signed_in
from nurture.web.studio.core.flash import tell
from nurture.web.studio.lists.said import read_said
from nurture.web.studio.lists.words import MEANINGS, PILES
from nurture.web.views import Views

Page = str | tuple[str, int] | Response

#: Seconds that a short list is waited for; a longer one shows its progress.
_PATIENCE = 3.0

#: An import that has not moved for this long has died.
_DEAD_AFTER = timedelta(minutes=5)


class UploadedLists(Views):
    """The views."""

    def upload(self) -> Page:
        """Keep an uploaded file for a while, and look at it."""
        file = next(iter(request.files.values()), None)
        if file is None or not file.filename:
            tell("Choose the file with the list first.", trouble=True)
            return redirect(url_for("studio.show_lists"), 303)
        context, uploads = self.context, self._uploads
        context.disk.insist(DiskUse.EXPORTS)
        uploads.sweep(context.clock())
        owner = signed_in().address
        one = uploads.add(file.save, file.filename, owner, context.clock())
        try:
            uploaded.look_at(uploads, self._desk, one, ListSaid(), context.clock())
        except NurtureError as error:
            uploads.drop(one.key)
            tell(str(error), trouble=True)
            return redirect(url_for("studio.show_lists"), 303)
        return redirect(_address(one), 303)

    def show(self, upload: str) -> Page:
        """Show what an upload amounts to."""
        one = self._get(upload)
        if one.done or one.bringing_at:
            return redirect(url_for("studio.show_list_progress", upload=one.key), 303)
        return self._page(one)

    def say(self, upload: str) -> Page:
        """Look at an upload again, as the owner says."""
        one, context = self._get(upload), self.context
        try:
            said = read_said(request.form, one, context.get_published().forms)
            uploaded.look_at(self._uploads, self._desk, one, said, context.clock())
        except NurtureError as error:
            return self._page(one, str(error)), 422
        return redirect(f"{_address(one)}#piles", 303)

    def bring(self, upload: str) -> Response:
        """Begin to bring an upload in."""
        one, context = self._get(upload), self.context
        if one.done is None:
            thread = uploaded.begin(self._uploads, self._desk, one, context.clock)
            thread.join(_PATIENCE)
        return redirect(url_for("studio.show_list_progress", upload=one.key), 303)

    def show_progress(self, upload: str) -> Page:
        """Show how far an upload has been brought in; lead to the import once it is complete."""
        one, context = self._get(upload), self.context
        if one.done:
            self._uploads.drop(one.key)
            return redirect(url_for("studio.show_import", number=one.done), 303)
        if one.trouble:
            self._uploads.keep(replace(one, bringing_at=None, trouble=""))
            return self._page(one, one.trouble), 422
        with context.database.reading() as connection:
            digest = digest_of(self._uploads.path_of(one.key))
            at = find_unfinished(connection, digest, one.said.as_values())
        moved_at = max(filter(None, (one.bringing_at, at.moved_at if at else None)), default=None)
        is_dead = moved_at is None or context.clock() - moved_at > _DEAD_AFTER
        return render_template("studio/list_progress.html", one=one, at=at, is_dead=is_dead)

    def drop(self, upload: str) -> Response:
        """Delete an upload."""
        self._uploads.drop(self._get(upload).key)
        tell("The file is deleted. Nothing was brought in.")
        return redirect(url_for("studio.show_lists"), 303)

    @property
    def _uploads(self) -> Uploads:
        return Uploads.of(self.context.settings.data_dir)

    @property
    def _desk(self) -> ImportDesk:
        return ImportDesk(*self.context.stored, self.context.tokens)

    def _get(self, key: str) -> Upload:
        found = self._uploads.find(key)
        return found or abort(404, "This file is not kept any more. Upload it again.")

    def _page(self, one: Upload, problem: str = "") -> str:
        published = self.context.get_published()
        series = {f"series:{form}": published.title_of_form(form) for form in published.forms}
        starts = [
            (sequence.key, sequence.title)
            for sequence in published.sequences.values()
            if sequence.form
        ]
        return render_template(
            "studio/list_file.html",
            one=one,
            found=one.found,
            said=one.said.statement,
            start=one.said.start,
            problem=problem,
            piles=PILES,
            pile_meanings={str(pile): said for pile, said in PILE_MEANINGS.items()},
            meanings=list(MEANINGS.items()),
            titles=MEANINGS,
            series=series,
            starts=[("", "No, only bring them in"), *starts],
        )


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for uploaded lists."""
    views, one = UploadedLists(context), "/people/lists/files/<upload>"
    studio.post("/people/lists", endpoint="upload_list")(views.upload)
    studio.get(one, endpoint="show_list_file")(views.show)
    studio.post(one, endpoint="say_of_list")(views.say)
    studio.post(f"{one}/bring", endpoint="bring_list")(views.bring)
    studio.get(f"{one}/progress", endpoint="show_list_progress")(views.show_progress)
    studio.post(f"{one}/drop", endpoint="drop_list")(views.drop)


def _address(one: Upload) -> str:
    return url_for("studio.show_list_file", upload=one.key)


#: In megabytes, for the page.
LARGEST_SHOWN = LARGEST // 1024**2
