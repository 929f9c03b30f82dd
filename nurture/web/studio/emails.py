"""Emails: the text of each, and the editor in which it can be changed."""

import re
from datetime import timedelta
from itertools import pairwise
from typing import Any

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from markupsafe import escape
from werkzeug.wrappers import Response as Answer

from nurture.addresses import AddressError
from nurture.bootstrap import Context
from nurture.domain.broadcasts.broadcast import key_of
from nurture.domain.disk_space import DiskUse
from nurture.domain.errors import NurtureError
from nurture.library.folder import parse_email
from nurture.library.writing import with_body, with_front
from nurture.rendering.lint.preflight import Severity, stops_publishing
from nurture.services.broadcasts import text as broadcast_text
from nurture.services.broadcasts.articles import articles_to_fill_in
from nurture.services.broadcasts.drafts import BroadcastError
from nurture.services.publishing import email_editor
from nurture.services.publishing import studio as owner
from nurture.services.publishing.email_editor import Editing, SavedElsewhereError
from nurture.services.publishing.files import CheckError
from nurture.services.publishing.studio import Written
from nurture.services.publishing.trial_recipients import trial_recipients
from nurture.store.tables.revisions import RevisionKind
from nurture.web.studio.core.auth import signed_in
from nurture.web.studio.core.flash import tell
from nurture.web.studio.core.formatting import whole_number
from nurture.web.studio.core.navigation import stand_in
from nurture.web.views import Views

#: What may be used in an email, and what it means to the owner.
PLACEHOLDERS = (
    ("{% if first_name %} {{ first_name }}{% endif %}", "First name, where it is known"),
    ("{{ guide_title }}", "Title of the guide"),
    ("{{ guide_url }}", "Where the guide is collected"),
    ("{{ article_title }}", "Title of the article"),
    ("{{ article_url }}", "Address of the article"),
    ("{{ booking_url }}", "Where a session is booked"),
    ("{{ blog_url }}", "Your articles"),
    ("{{ website_url }}", "Your website"),
    ("{{ practice.phone }}", "Your telephone number"),
)

#: An email is a document of its own: it runs and opens nothing, and appears only in our frame.
_PREVIEW_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src {}; frame-ancestors 'self'"
)
_DARK = re.compile(r"@media\s*\(prefers-color-scheme:\s*dark\)")

#: The settings of the front matter that have a field of their own, except for topics.
_FRONT = ("subject", "preheader", "article", "article_title")

#: Two tests at one moment would have the same number.
_APART = timedelta(microseconds=1)

#: The components that words in Markdown can be turned into.
PARTS = (
    ("# ", "Heading"),
    ("**words**", "Bold words"),
    ("[words](https://)", "Link, or a button where it stands alone"),
    ("- ", "List"),
    ("![what it shows](https://)", "Picture"),
    ("> On the blog\n> ## {{ article_title }}", "Box with the article’s title"),
)


class Emails(Views):
    """The views."""

    def show_emails(self) -> str:
        """Show every email, in the order in which each sequence sends them."""
        published = self.context.get_published()
        with self.context.database.reading() as connection:
            known = articles_to_fill_in(connection, published)
        return render_template(
            "studio/emails.html",
            articles=known,
            sequences=sorted(published.sequences.values(), key=lambda one: one.title),
            emails=published.emails,
            drafted=email_editor.drafted(self.context.database),
        )

    def show_email(self, sequence: str, name: str) -> Answer | str:
        """Show the editor, with what to know before publishing."""
        found = self._editing(f"{sequence}/{name}")
        broadcast = broadcast_text.find_broadcast_of(self.context.database, found.key)
        if broadcast is not None and not broadcast_text.is_writable(broadcast):
            return redirect(url_for("studio.show_broadcast", key=broadcast.key))
        return self._page(found)

    def save(self, sequence: str, name: str) -> Answer | str | tuple[str, int]:
        """Save the text, and do with it what the pressed button says."""
        found = self._editing(f"{sequence}/{name}")
        action, page = request.form.get("action", "save"), url_for_email(found.key)
        if action == "discard":
            if broadcast_text.discard_changes(self.context.database, found.key):
                tell("The draft is gone; this is what is published.")
            return redirect(page, 303)
        written = _written(found)
        try:
            self._keep(found, written)
            found = self._editing(found.key)
            if action == "publish":
                return self._publish(found, written)
            if action == "test":
                self._send_test(found.key, written)
        except (SavedElsewhereError, CheckError, AddressError, BroadcastError) as error:
            return self._page(found, written, str(error)), 409
        broadcast = key_of(sequence)
        if action == "review" and broadcast:
            return redirect(url_for("studio.review_broadcast", key=broadcast), 303)
        return redirect(page, 303)

    def autosave(self, sequence: str, name: str) -> Answer | tuple[Answer, int]:
        """Save the text while it is being written; return the draft's next version."""
        found = self._editing(f"{sequence}/{name}")
        try:
            return jsonify(version=self._keep(found, _written(found)))
        except NurtureError as error:
            return jsonify(trouble=str(error)), 409

    def find_concerns(self, sequence: str, name: str) -> str:
        """Render, as part of the page, the concerns about publishing the text."""
        found = self._editing(f"{sequence}/{name}")
        try:
            concerns = self._concerns(found, _written(found))
        except NurtureError as error:
            return render_template("studio/_concerns.html", refused=str(error))
        return render_template("studio/_concerns.html", **concerns)

    def preview(self, sequence: str, name: str) -> Response:
        """Show the text as the chosen person would see it, without saving it."""
        found, context = self._editing(f"{sequence}/{name}"), self.context
        try:
            context.disk.insist(DiskUse.PREVIEWS)
            shown = email_editor.preview(
                context.database,
                found.key,
                _written(found),
                context.settings.public_url,
                request.form.get("as_whom", ""),
            )
        except NurtureError as error:
            return email_document(_pre("This cannot be shown yet.\n\n" + str(error)), images=False)
        if request.form.get("look") == "text":
            return email_document(_pre(shown.text), images=False)
        dark = request.form.get("mode") == "dark"
        html = _DARK.sub("@media all" if dark else "@media not all", shown.html)
        return email_document(html, images=request.form.get("look") != "no-images")

    def show_history(self, sequence: str, name: str) -> str:
        """Show every revision, and what each changed."""
        key = f"{sequence}/{name}"
        states = owner.history(self.context.database, RevisionKind.EMAIL, key)
        if not states:
            abort(404)
        if broadcast := key_of(sequence):
            stand_in("show_broadcasts")
        texts = [owner.source_text(state) for state in states]
        changes = [owner.differing_lines(old, new) for new, old in pairwise([*texts, ""])]
        return render_template(
            "studio/email_history.html",
            key=key,
            subject=states[0].compiled["subject"],
            broadcast=broadcast,
            states=list(zip(states, changes, strict=True)),
        )

    def roll_back(self, sequence: str, name: str, number: int) -> Answer:
        """Publish an old revision again."""
        key = f"{sequence}/{name}"
        try:
            owner.roll_back(
                self.context.database, RevisionKind.EMAIL, key, number, self.context.clock()
            )
        except NurtureError as error:
            tell(str(error), trouble=True)
        else:
            tell(f"Revision {number} is what goes out again from now on.")
        return redirect(url_for("studio.show_email_history", sequence=sequence, name=name), 303)

    def _editing(self, key: str) -> Editing:
        found = email_editor.find_editing(self.context.database, key)
        if found is None:
            abort(404)
        return found

    def _keep(self, found: Editing, written: Written) -> int:
        version = whole_number(request.form.get("version", ""))
        if written == found.written and found.version == version:
            return found.version
        broadcast_text.insist_writable(self.context.database, found.key)
        return email_editor.save_draft(
            self.context.database, found.key, written, version or 0, self.context.clock()
        )

    def _publish(self, found: Editing, written: Written) -> Answer | tuple[str, int]:
        context = self.context
        concerns = email_editor.preflight_email(
            context.database, found.key, written, context.settings.public_url
        )
        if stops_publishing(concerns):
            again = self._editing(found.key)
            return self._page(again, written, "Please put right what is marked as an error."), 409
        owner.publish_email(context.database, found.key, written, context.clock())
        tell("Published. Everybody who gets this email from now on gets it like this.")
        return redirect(url_for_email(found.key), 303)

    def _send_test(self, key: str, written: Written) -> None:
        context, form = self.context, request.form
        owner, colleague = signed_in().address, form.get("colleague", "")
        to = trial_recipients(context.database, context.tokens, owner, colleague)
        outcomes = [
            email_editor.send_test(
                context.database,
                context.dispatch.mailer,
                context.dispatch.sign,
                context.settings.public_url,
                key,
                written,
                one,
                form.get("as_whom", ""),
                context.clock() + place * _APART,
            )
            for place, one in enumerate(to)
        ]
        refused = next((one for one in outcomes if one.status != "accepted"), None)
        if refused is not None:
            tell(f"The test could not be sent: {refused.reason}", trouble=True)
        elif context.where_mails_stay:
            tell(f"The test was written down and not sent. {context.where_mails_stay}")
        elif len(to) > 1:
            tell(f"A test is on its way to {owner} and to your colleague.")
        else:
            tell(f"A test is on its way to {owner}.")

    def _concerns(self, found: Editing, written: Written) -> dict[str, Any]:
        """Return the concerns about publishing, in the form that part of the page needs."""
        context = self.context
        _, body, first_line = parse_email(written.content, found.key)
        examined = email_editor.examine_email(
            context.database, found.key, written, context.settings.public_url
        )
        return {
            "refused": "",
            "concerns": examined.concerns,
            "errors": sum(one.severity is Severity.ERROR for one in examined.concerns),
            "readings": examined.readings,
            "first_line": first_line,
            "last_line": first_line + body.count("\n"),
        }

    def _page(self, found: Editing, written: Written | None = None, trouble: str = "") -> str:
        context, written = self.context, written or found.written
        front, body, _ = parse_email(written.content, found.key)
        broadcast = broadcast_text.find_broadcast_of(context.database, found.key)
        if broadcast is not None:
            stand_in("show_broadcasts")
        return render_template(
            "studio/email.html",
            found=found,
            broadcast=broadcast,
            front=front,
            body=body,
            text=written.text,
            markdown=written.format == "md",
            topics=", ".join(front.get("topics", ())),
            trouble=trouble,
            colleague=request.form.get("colleague", ""),
            **self._concerns(found, written),
            names=email_editor.names_to_try(context.database),
            placeholders=[one for one in PLACEHOLDERS if broadcast is None or _is_general(one)],
            parts=PARTS,
        )


def url_for_email(key: str) -> str:
    """Return the URL of an email's editor."""
    sequence, _, name = key.partition("/")
    return url_for("studio.show_email", sequence=sequence, name=name)


def _is_general(placeholder: tuple[str, str]) -> bool:
    """Return whether an email that belongs to no guide has that placeholder."""
    return "guide_" not in placeholder[0]


def _written(found: Editing) -> Written:
    """Put the form's values into the file they came from."""
    form = request.form
    front: dict[str, Any] = {n: form[n].strip() or None for n in _FRONT if n in form}
    if "topics" in form:
        front |= _changed_topics(found, form["topics"])
    content = with_front(found.written.content, front)
    body = form.get("body", "").replace("\r\n", "\n")
    text = form.get("text", found.written.text).replace("\r\n", "\n")
    return Written(found.written.format, with_body(content, body), text)


def _changed_topics(found: Editing, said: str) -> dict[str, list[str]]:
    """Return the topics if they differ from the file's, whose own formatting is then preserved."""
    topics = [topic for topic in re.split(r"[,\s]+", said.lower()) if topic]
    before = parse_email(found.written.content, found.key)[0].get("topics", [])
    return {} if topics == before else {"topics": topics}


def email_document(html: str, *, images: bool = True) -> Response:
    """Return an email as a document of its own, which runs nothing."""
    answer = Response(html, mimetype="text/html")
    sources = "https: data:" if images else "'none'"
    answer.headers["Content-Security-Policy"] = _PREVIEW_POLICY.format(sources)
    return answer


def _pre(text: str) -> str:
    style = "body{font:16px/1.5 monospace;margin:24px;white-space:pre-wrap}"
    head = f"<!doctype html><html lang=en-GB><title>Preview</title><style>{style}</style>"
    return f"{head}{escape(text)}"


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for emails."""
    views, one = Emails(context), "/emails/<sequence>/<name>"
    studio.get("/emails/")(views.show_emails)
    studio.get(one)(views.show_email)
    studio.post(one, endpoint="save_email")(views.save)
    studio.post(f"{one}/draft", endpoint="autosave_email")(views.autosave)
    studio.post(f"{one}/concerns")(views.find_concerns)
    studio.post(f"{one}/preview", endpoint="preview_email")(views.preview)
    studio.get(f"{one}/history", endpoint="show_email_history")(views.show_history)
    studio.post(f"{one}/history/<int:number>", endpoint="roll_back_email")(views.roll_back)
