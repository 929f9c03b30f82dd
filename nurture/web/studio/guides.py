"""Guides: which PDF is delivered, replacing it, and undoing that."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from nurture.bootstrap import Context
from nurture.domain.sequences.sequence import Sequence
from nurture.services.publishing import guides as stored_guides
from nurture.services.publishing.guides import GuideError
from nurture.store.tables import guide_files
from nurture.store.tables.guide_files import UploadedGuide
from nurture.web.pages import pdf
from nurture.web.studio.core.auth import signed_in
from nurture.web.studio.core.flash import tell
from nurture.web.views import Views


@dataclass(frozen=True, slots=True)
class Guide:
    """One sequence's guide as the page shows it; `states` are the uploaded ones, newest first."""

    sequence: Sequence
    states: list[UploadedGuide]
    sample: bool


class Guides(Views):
    """The views."""

    def show_settings(self) -> str:
        """Show every guide and its earlier files."""
        return self._page()

    def upload(self, sequence: str) -> Answer | tuple[str, int]:
        """Use an uploaded file as the guide from now on."""
        self._guide_of(sequence)
        try:
            self._keep(sequence)
        except GuideError as error:
            return self._page(sequence, str(error)), 422
        tell("Your guide is in place. Whoever asks for it from now on gets this one.")
        return redirect(url_for("studio.show_settings"), 303)

    def put_back(self, sequence: str, number: int) -> Answer:
        """Make an earlier file the guide again."""
        context, owner = self.context, signed_in().address
        stored_guides.put_back(context.database, sequence, number, owner, context.clock())
        tell("The earlier guide is in place again.")
        return redirect(url_for("studio.show_settings"), 303)

    def show_guide(self, sequence: str, number: int = 0) -> Response:
        """Return the PDF that is delivered, or an earlier one."""
        found, context = self._guide_of(sequence), self.context
        with context.database.reading() as connection:
            uploaded = (
                stored_guides.get_guide(connection, sequence, number)
                if number
                else guide_files.newest_guide(connection, sequence)
            )
        path = stored_guides.guide_path(context.database, context.guide_files, found, uploaded)
        return pdf(path, f"{sequence}.pdf") if path.is_file() else abort(404)

    def _keep(self, sequence: str) -> None:
        file = next(iter(request.files.values()), None)
        if file is None or not file.filename:
            raise GuideError("There is no file.", remedy="Choose the guide's PDF.")
        context, owner = self.context, signed_in().address
        with NamedTemporaryFile(suffix=".pdf") as kept:
            file.save(kept)
            kept.flush()
            stored_guides.upload_guide(
                context.database, sequence, file.filename, Path(kept.name), owner, context.clock()
            )

    def _guide_of(self, key: str) -> Sequence:
        found = self.context.get_published().sequences.get(key)
        return found if found and found.has_guide else abort(404)

    def _page(self, at_fault: str = "", trouble: str = "") -> str:
        context = self.context
        with context.database.reading() as connection:
            sequences = context.catalogue.current(connection).sequences.values()
            found = [
                (one, guide_files.guides_of(connection, one.key))
                for one in sorted(sequences, key=lambda one: one.guide_title)
                if one.has_guide
            ]
        guides = [Guide(one, states, self._is_sample(one, states)) for one, states in found]
        return render_template(
            "studio/guides.html",
            guides=guides,
            at_fault=at_fault,
            trouble=trouble,
            largest=stored_guides.LARGEST // 2**20,
        )

    def _is_sample(self, sequence: Sequence, states: list[UploadedGuide]) -> bool:
        return not states and stored_guides.is_sample(self.context.guide_files.library, sequence)


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for guides."""
    views, one = Guides(context), "/settings/guides/<sequence>"
    studio.get("/settings")(views.show_settings)
    studio.get(one)(views.show_guide)
    studio.get(f"{one}/<int:number>")(views.show_guide)
    studio.post(one, endpoint="upload_guide")(views.upload)
    studio.post(f"{one}/<int:number>", endpoint="put_back_guide")(views.put_back)
