"""Editing a sequence: every change is a draft until it has been reviewed and published."""

import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.bootstrap import Context
from nurture.domain.errors import NurtureError
from nurture.domain.sequences.sequence import RECURRING, Continuation, StepKind, WhenReplied
from nurture.services.publishing import sequence_editor
from nurture.services.publishing.email_editor import SavedElsewhereError
from nurture.services.publishing.files import CheckError
from nurture.services.publishing.sequence_editor import EditedSequence
from nurture.services.publishing.studio import Written
from nurture.web.studio.core.flash import tell
from nurture.web.studio.core.formatting import whole_number
from nurture.web.studio.sequences import step_form, words
from nurture.web.studio.sequences.pages import get_plan, names
from nurture.web.views import Views

Page = str | tuple[str, int] | Response

#: The possible kinds of a new email; the other kinds exist once, from the start.
NEW_KINDS = [(kind, kind.rules.choice) for kind in StepKind if kind.rules.choice]


class SequenceEditing(Views):
    """The views."""

    def show(self, key: str) -> str:
        """Show every step with the possible changes to it."""
        titles, segments = names(self.context)
        plan = self._plan(key)
        return render_template(
            "studio/sequence_edit.html",
            plan=plan,
            key=key,
            said=words,
            titles=titles,
            segments=segments,
            fixed=RECURRING,
            targets=self._targets(key),
        )

    def move(self, key: str) -> Response:
        """Move a step one place."""
        by = -1 if request.form.get("by") == "-1" else 1
        return self._do(key, sequence_editor.move_step, request.form.get("email", ""), by)

    def remove(self, key: str) -> Response:
        """Remove a step."""
        return self._do(key, sequence_editor.remove_step, request.form.get("email", ""))

    def set_endings(self, key: str) -> Response:
        """Set where people continue at the end."""
        pairs = zip(request.form.getlist("sequence"), request.form.getlist("only_if"), strict=False)
        endings = tuple(Continuation(sequence, only_if) for sequence, only_if in pairs if sequence)
        return self._do(key, sequence_editor.set_endings, endings)

    def set_replied(self, key: str) -> Response:
        """Set what a reply does."""
        replied = request.form.get("replied", "")
        if replied not in set(WhenReplied):
            abort(400, "Please choose what a reply does.")
        return self._do(key, sequence_editor.set_replied, WhenReplied(replied))

    def show_step(self, key: str, email: str) -> str:
        """Show the timing and the conditions of one step."""
        plan = self._plan(key)
        step = sequence_editor.find_step(plan, email)
        return self._step_page(plan, email, step_form.filled_in(step))

    def change_step(self, key: str, email: str) -> Page:
        """Save the form for one step."""
        context, fields = self.context, step_form.as_sent(request.form)
        try:
            sequence_editor.change_step(
                context.database,
                key,
                _version(),
                email,
                step_form.as_settings(fields),
                context.clock(),
            )
        except SavedElsewhereError:
            raise
        except NurtureError as error:
            return self._step_page(self._plan(key), email, fields, _without_place(error)), 422
        return _to_edit(key)

    def show_new(self, key: str) -> str:
        """Show the form for a new email, blank or copied from another."""
        plan = self._plan(key)
        fields = step_form.filled_in() | {
            "subject": "",
            "preheader": "",
            "body": "",
            "kind": str(StepKind.ARTICLE),
            "after": request.args.get("after", plan.sequence.steps[-1].email),
            "original": request.args.get("original", ""),
        }
        return self._new_page(plan, fields)

    def add(self, key: str) -> Page:
        """Save a new email and its step."""
        context, form = self.context, request.form
        fields = step_form.as_sent(form)
        own = ("subject", "preheader", "body", "kind", "after", "original")
        fields |= {name: form.get(name, "") for name in own}
        settings = {"kind": fields["kind"], **step_form.as_settings(fields)}
        try:
            written = self._written(fields)
            sequence_editor.add_step(
                context.database,
                key,
                _version(),
                fields["after"],
                fields["subject"].strip(),
                written,
                settings,
                context.clock(),
            )
        except SavedElsewhereError:
            raise
        except NurtureError as error:
            return self._new_page(self._plan(key), fields, _without_place(error)), 422
        return _to_edit(key)

    def review(self, key: str) -> str:
        """Show what publishing would do."""
        self._plan(key)
        foresight = sequence_editor.foresee(self.context.database, key)
        plan, (_, segments) = foresight.plan, names(self.context)
        impact = foresight.publication.impacts.get(key)
        return render_template(
            "studio/sequence_review.html",
            key=key,
            plan=plan,
            findings=foresight.findings,
            effects=words.say_impact(impact) if impact else [],
            changes=words.say_changes(plan.present, plan.sequence, plan.subjects, segments),
            new_emails=len(plan.unpublished),
        )

    def publish(self, key: str) -> Response:
        """Publish the draft."""
        context = self.context
        try:
            sequence_editor.publish(context.database, key, _version(), context.clock())
        except CheckError:
            return redirect(url_for("studio.review_sequence", key=key), 303)
        context.doorbell.ring()
        tell("Published. It holds from now on; the history has the way back.")
        return redirect(url_for("studio.show_sequence", key=key), 303)

    def discard(self, key: str) -> Response:
        """Discard the draft."""
        sequence_editor.discard(self.context.database, key)
        tell("Your changes are dropped. Nothing of what is published has changed.")
        return redirect(url_for("studio.show_sequence", key=key), 303)

    def _plan(self, key: str) -> EditedSequence:
        return get_plan(self.context, key)

    def _do(self, key: str, change: Callable[..., object], *what: object) -> Response:
        """Change the draft, and show a notice if that failed."""
        context = self.context
        try:
            change(context.database, key, _version(), *what, context.clock())
        except NurtureError as error:
            tell(str(error), trouble=True)
        return _to_edit(key)

    def _targets(self, key: str) -> list[tuple[str, str]]:
        """Return the sequences that people in this one may continue with."""
        return [
            (one.key, one.title)
            for one in self.context.get_published().sequences.values()
            if one.key != key and not (one.quiet or one.answers)
        ]

    def _written(self, fields: dict[str, Any]) -> Written:
        if fields["original"]:
            return sequence_editor.copied_email(
                self.context.database, fields["original"], fields["subject"].strip()
            )
        return sequence_editor.new_email(
            fields["subject"].strip(), fields["preheader"].strip(), fields["body"]
        )

    def _step_page(
        self, plan: EditedSequence, email: str, fields: dict[str, Any], problem: str = ""
    ) -> str:
        return render_template(
            "studio/sequence_step.html",
            plan=plan,
            key=plan.key,
            step=sequence_editor.find_step(plan, email),
            fields=fields,
            problem=problem,
            **self._choices(),
        )

    def _new_page(self, plan: EditedSequence, fields: dict[str, Any], problem: str = "") -> str:
        return render_template(
            "studio/sequence_new.html",
            plan=plan,
            key=plan.key,
            fields=fields,
            problem=problem,
            kinds=NEW_KINDS,
            **self._choices(),
        )

    def _choices(self) -> dict[str, Any]:
        _, segments = names(self.context)
        return {
            "units": step_form.UNITS,
            "days": words.DAYS,
            "segments": [("", "Everybody"), *segments.items()],
            "left_out": [("", "Nobody"), *segments.items()],
            "streams": step_form.STREAMS,
        }


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for editing sequences."""
    views = SequenceEditing(context)
    edit, review = "/sequences/<key>/edit", "/sequences/<key>/review"
    studio.get(edit, endpoint="edit_sequence")(views.show)
    studio.post(f"{edit}/move", endpoint="move_step")(views.move)
    studio.post(f"{edit}/remove", endpoint="remove_step")(views.remove)
    studio.post(f"{edit}/end")(views.set_endings)
    studio.post(f"{edit}/replied")(views.set_replied)
    studio.post(f"{edit}/discard", endpoint="discard_sequence")(views.discard)
    studio.get(f"{edit}/steps/<email>", endpoint="edit_step")(views.show_step)
    studio.post(f"{edit}/steps/<email>")(views.change_step)
    studio.get(f"{edit}/new", endpoint="new_step")(views.show_new)
    studio.post(f"{edit}/new", endpoint="add_step")(views.add)
    studio.get(review, endpoint="review_sequence")(views.review)
    studio.post(review, endpoint="publish_sequence")(views.publish)


def _without_place(error: NurtureError) -> str:
    """Return the error without its place in a file, which a user of the form never sees."""
    return re.sub(r"^sequence\.toml(?:, [^:]+)?: ", "", str(error))


def _version() -> int:
    return whole_number(request.form.get("version", "")) or 0


def _to_edit(key: str) -> Response:
    return redirect(url_for("studio.edit_sequence", key=key), 303)
