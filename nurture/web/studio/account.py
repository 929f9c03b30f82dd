"""The owner's account: password, second factor, and signing out everywhere."""

import segno
from flask import Blueprint, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from nurture.bootstrap import Context
from nurture.domain.passwords import SHORTEST, PasswordRefusedError
from nurture.services.owner import credentials, security, sessions
from nurture.services.owner.sessions import SignedIn, SignInRefusedError, TooManyAttemptsError
from nurture.web.studio.core import auth
from nurture.web.studio.core.flash import tell
from nurture.web.views import Views

Page = str | tuple[str, int] | Response


class AccountPages(Views):
    """The views."""

    def show_account(self) -> Page:
        """Show everything about signing in, on one page."""
        return self._page()

    def change_password(self) -> Page:
        """Set a new password, if the current one is given."""
        present, wanted = request.form.get("present", ""), request.form.get("wanted", "")
        context, owner = self.context, auth.signed_in().owner
        try:
            signed = security.change_password(
                context.database, owner, present, wanted, context.clock()
            )
        except (SignInRefusedError, TooManyAttemptsError) as error:
            return self._page(present_error=str(error)), 422
        except PasswordRefusedError as error:
            return self._page(wanted_error=str(error)), 422
        return _back(signed, "Your password is changed, and every other browser is signed out.")

    def offer_codes(self) -> Page:
        """Generate a secret for the authenticator app."""
        security.offer_codes(self.context.database, self.context.seal, auth.signed_in().owner)
        return redirect(url_for("studio.show_codes"), 303)

    def show_codes(self) -> Page:
        """Show the secret as a picture for the phone's camera, and as text."""
        return self._codes_page()

    def take_on_codes(self) -> Page:
        """Turn the second factor on with its first code; show the recovery codes once."""
        context, owner = self.context, auth.signed_in().owner
        code = request.form.get("code", "")
        try:
            signed, codes = security.take_on_codes(
                context.database, context.seal, owner, code, context.clock()
            )
        except SignInRefusedError as error:
            answer = self._codes_page(str(error))
            return (answer, 422) if isinstance(answer, str) else answer
        auth.let_in(signed)
        return render_template("studio/recovery_codes.html", codes=codes)

    def give_up_codes(self) -> Page:
        """Turn the second factor off."""
        context, owner = self.context, auth.signed_in().owner
        password = request.form.get("password", "")
        try:
            signed = security.give_up_codes(context.database, owner, password, context.clock())
        except (SignInRefusedError, TooManyAttemptsError) as error:
            return self._page(off_error=str(error)), 422
        return _back(signed, "Signing in takes your password alone again.")

    def sign_out_everywhere(self) -> Page:
        """End every session, including this one."""
        sessions.sign_out_everywhere(self.context.database, auth.signed_in().owner)
        auth.show_out()
        tell("You are signed out everywhere.")
        return redirect(url_for("studio.show_sign_in"), 303)

    def _page(self, **errors: str) -> str:
        context, owner = self.context, auth.signed_in().owner
        said = {"present_error": "", "wanted_error": "", "off_error": ""} | errors
        return render_template(
            "studio/account.html",
            account=security.get_account(context.database, context.seal, owner),
            browsers=sessions.count_browsers(context.database, owner, context.clock()),
            shortest=SHORTEST,
            **said,
        )

    def _codes_page(self, problem: str = "") -> str | Response:
        context = self.context
        account = security.get_account(context.database, context.seal, auth.signed_in().owner)
        if account.pending_secret is None:
            return redirect(url_for("studio.show_account"), 303)
        issuer = context.practice.name
        address = credentials.otpauth_uri(account.pending_secret, account.address, issuer)
        return render_template(
            "studio/codes.html",
            picture=_as_picture(address),
            secret=account.pending_secret,
            problem=problem,
        )


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the account's routes."""
    views = AccountPages(context)
    studio.get("/account")(views.show_account)
    studio.get("/account/codes")(views.show_codes)
    studio.post("/account/password")(views.change_password)
    studio.post("/account/codes")(views.offer_codes)
    studio.post("/account/codes/first")(views.take_on_codes)
    studio.post("/account/codes/off")(views.give_up_codes)
    studio.post("/account/sign-out-everywhere")(views.sign_out_everywhere)


def _back(signed: SignedIn, sentence: str) -> Response:
    auth.let_in(signed)
    tell(sentence)
    return redirect(url_for("studio.show_account"), 303)


def _as_picture(address: str) -> Markup:
    """Return a QR code as inline SVG, dark on white on any page."""
    drawn = segno.make(address, error="m").svg_inline(
        scale=5, border=3, light="#ffffff", dark="#10211d", omitsize=True, svgclass="qr"
    )
    return Markup(drawn)  # noqa: S704
