"""The mail account: what it may send, how it is doing, and a test of it."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.addresses import AddressError
from nurture.bootstrap import Context
from nurture.domain.account.limits import NO_LIMITS
from nurture.domain.account.presets import PRESETS, find_preset
from nurture.domain.account.warm_up import allowed_on, last_day
from nurture.domain.reasons import in_words
from nurture.mail.oauth.providers import PROVIDERS
from nurture.mail.smtp.route import SmtpRoute
from nurture.services.account import choices, grant, hold, overview
from nurture.services.account.choices import SavedChoices
from nurture.services.account.trial import try_account
from nurture.services.account.words import say_limits
from nurture.services.inbound.mailbox import key_of
from nurture.services.owner.checklist import open_session
from nurture.services.owner.practice import SlipsError
from nurture.web.studio.core.auth import signed_in
from nurture.web.studio.core.flash import tell
from nurture.web.views import Views

#: The numbers of the form, each with what it is to the owner.
NUMBERS = (
    ("minute", "Emails a minute"),
    ("hour", "Emails an hour"),
    ("day", "Emails in 24 hours"),
    ("connections", "Connections at a time"),
)

#: The windows that are shown, with the words that follow the figures.
WINDOWS = (("day", "the last 24 hours"), ("hour", "the last hour"), ("minute", "the last minute"))


class MailAccount(Views):
    """The views."""

    def show_mail_account(self) -> str:
        """Show what the account may send, has sent and was refused."""
        return self._page()

    def save_mail_account(self) -> Response | tuple[str, int]:
        """Store the limits as typed."""
        context = self.context
        try:
            saved = choices.save_choices(
                context.database, context.settings.account_choices, request.form, context.clock()
            )
        except SlipsError as error:
            return self._page(request.form, error.slips), 422
        tell(_what_follows(saved))
        context.doorbell.ring()
        return _back()

    def try_account(self) -> Response:
        """Check immediately whether the mail account accepts email again."""
        held = hold.try_now(self.context.database, self.context.clock())
        self.context.doorbell.ring()
        tell("Trying again now." if held else "Your mail account accepts emails.")
        return _back() if request.form.get("from") == "mail" else _to_today()

    def send_account_test(self) -> Response:
        """Send an email to the owner, and say what the mail server answered."""
        context = self.context
        if context.where_mails_stay:
            tell(f"Nothing was sent. {context.where_mails_stay}", trouble=True)
            return _back()
        try:
            result = try_account(context.dispatch, signed_in().address, context.clock())
        except AddressError as error:
            tell(f"The test could not be sent: {error}", trouble=True)
        else:
            tell(result.sentence, trouble=not result.accepted)
        return _back()

    def check_account_login(self) -> Response:
        """Log in to the mail server as a worker would, and send nothing."""
        if self.context.where_mails_stay:
            tell(self.context.where_mails_stay, trouble=True)
            return _back()
        found = open_session(self.context.settings, self.context.access_tokens)
        tell(" ".join(found.sentences), trouble=not found.fine)
        return _back()

    def change_warm_up(self) -> Response:
        """Begin slowly with a new domain, or stop doing so."""
        context = self.context
        if request.form.get("begin") == "yes":
            choices.begin_warm_up(context.database, context.clock())
            tell("Letters to everybody begin slowly from now on. The series go on as before.")
        else:
            choices.end_warm_up(context.database)
            tell("Letters to everybody leave as fast as your account allows.")
        return _back()

    def _page(
        self, typed: Mapping[str, str] | None = None, slips: Mapping[str, str] | None = None
    ) -> str:
        context = self.context
        seen = overview.oversee_account(
            context.database,
            context.settings.account_choices,
            key_of(context.settings.imap_url),
            context.clock(),
        )
        fixed, published = choices.fixed_fields(context.settings.account_choices), context.published
        kind = find_preset(fixed.get("preset") or seen.own.preset or "")
        values = choices.as_typed(seen.own)
        if typed is not None:
            values |= {name: typed[name] for name in values if name in typed}
        return render_template(
            "studio/mail_account.html",
            seen=seen,
            fixed=fixed,
            kind=kind,
            usual=kind.limits if kind else NO_LIMITS,
            presets=PRESETS.values(),
            suggested=None if kind else overview.suggested_preset(context.settings),
            values=values,
            slips=slips or {},
            settings=choices.SETTINGS,
            numbers=NUMBERS,
            windows=WINDOWS,
            say_limits=say_limits,
            why_waiting=in_words(seen.wait.why) if seen.wait.why else "",
            curve=[allowed_on(day) for day in range(1, 6)],
            last_day=last_day(seen.limits.day),
            providers=PROVIDERS,
            **self._connection(),
            subjects=published.subjects if published else {},
        )

    def _connection(self) -> dict[str, Any]:
        """Return what the page needs in order to offer a connection."""
        settings = self.context.settings
        route = SmtpRoute.from_url(settings.smtp_url) if settings.smtp_url else None
        return {
            "needs_connection": route is not None and route.login.needs_token,
            "client_id": settings.oauth_client_id,
            "redirect": grant.redirect_of(settings),
            "reads_mailbox": bool(settings.imap_url),
        }


def _what_follows(saved: SavedChoices) -> str:
    if not saved.changed:
        return "Nothing was different, so nothing has changed."
    used = f"{saved.used:,} {'has' if saved.used == 1 else 'have'} been used."
    return f"Saved. From now on {say_limits(saved.limits)}. {used}"


def _back() -> Response:
    return redirect(url_for("studio.show_mail_account"), 303)


def _to_today() -> Response:
    return redirect(url_for("studio.show_today"), 303)


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for the mail account."""
    views, page = MailAccount(context), "/settings/mail"
    studio.get(page)(views.show_mail_account)
    studio.post(page)(views.save_mail_account)
    studio.post(f"{page}/test")(views.send_account_test)
    studio.post(f"{page}/login")(views.check_account_login)
    studio.post(f"{page}/warm-up")(views.change_warm_up)
    studio.post("/account-held")(views.try_account)
