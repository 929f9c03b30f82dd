"""Connecting the mail account at Google or Microsoft, and giving the connection up.

The provider sends the owner's browser back with a code. That address only asks whether to go on:
the code is used when the owner presses the button, so that opening an address changes nothing.
"""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.bootstrap import Context
from nurture.domain.errors import NurtureError
from nurture.mail.oauth.providers import NoClientError, client_of, provider_of
from nurture.mail.oauth.tokens import refusal_in
from nurture.services.account import grant
from nurture.web.studio.core.auth import signed_in
from nurture.web.studio.core.flash import tell
from nurture.web.views import Views

#: What comes back from the provider and is sent on; nothing else of it is looked at.
_ANSWER = ("code", "state", "error")


class MailConnection(Views):
    """The views."""

    def begin_connection(self) -> str | Response:
        """Begin to connect an account, and lead the owner to the provider's page.

        That takes a link: our pages may send no form to anyone else, not even by a redirect.
        """
        context, form = self.context, request.form
        try:
            provider = provider_of(context.settings, form.get("provider", ""))
            client = client_of(
                context.settings,
                form.get("client_id", "").strip(),
                form.get("client_secret", "").strip(),
            )
        except NoClientError as error:
            return _back(str(error), trouble=True)
        owner, now = signed_in().owner, context.clock()
        page = grant.begin(
            context.database, context.seal, context.settings, provider, client, owner, now
        )
        return render_template("studio/mail_connect.html", provider=provider, page=page)

    def show_connected(self) -> str | Response:
        """Ask whether to connect the account that the provider has given permission for."""
        answer = {name: request.args.get(name, "") for name in _ANSWER}
        if answer["error"] or not answer["code"]:
            why = refusal_in(answer).message
            return _back(f"Nothing was connected: no permission was given. {why}", trouble=True)
        account = grant.account_of(self.context.settings)
        return render_template(
            "studio/confirm.html",
            title="Connect your mail account",
            sentence="The permission has been given. One more step, and your emails leave with it.",
            facts=[f"The account that sends: {account}"] if account else [],
            action=url_for("studio.finish_connection"),
            fields={name: text for name, text in answer.items() if text},
            button="Connect it",
            back=url_for("studio.show_mail_account"),
            danger=False,
        )

    def finish_connection(self) -> Response:
        """Connect the account with what the provider sent back."""
        context = self.context
        answer = {name: request.form[name] for name in _ANSWER if name in request.form}
        owner, now = signed_in().owner, context.clock()
        try:
            grant.finish(context.database, context.seal, context.settings, owner, answer, now)
        except NurtureError as error:
            return _back(str(error), trouble=True)
        context.doorbell.ring()
        return _back("Connected. What waited for the login leaves now.")

    def disconnect_account(self) -> Response:
        """Forget the permission."""
        if grant.disconnect(self.context.database):
            return _back("Disconnected. Emails wait until an account is connected again.")
        return _back("No account is connected.")


def _back(sentence: str, trouble: bool = False) -> Response:
    tell(sentence, trouble)
    return redirect(url_for("studio.show_mail_account"), 303)


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for the connection; providers know the address of one of them."""
    views = MailConnection(context)
    studio.post("/settings/mail/connect")(views.begin_connection)
    studio.post("/settings/mail/disconnect")(views.disconnect_account)
    studio.get("/account/mail/connected")(views.show_connected)
    studio.post("/account/mail/connected")(views.finish_connection)
