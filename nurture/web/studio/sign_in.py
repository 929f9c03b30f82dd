"""Signing in and out, and the page that a one-time link leads to."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.bootstrap import Context
from nurture.domain.passwords import SHORTEST, PasswordRefusedError
from nurture.domain.subscribers.address import address_key
from nurture.services.owner import sessions
from nurture.services.owner.sessions import SignedIn, SignInRefusedError, TooManyAttemptsError
from nurture.web.studio.core import auth
from nurture.web.studio.core.flash import tell
from nurture.web.views import Views

Page = str | tuple[str, int] | Response


class SigningIn(Views):
    """The views."""

    def show_sign_in(self) -> Page:
        """Ask for address and password; redirect an owner who is already signed in."""
        if auth.is_known():
            return redirect(auth.safe_next(request.args.get("next")), 303)
        return _sign_in_page()

    def sign_in(self) -> Page:
        """Begin a session, or say only that address and password do not match."""
        address, password = request.form.get("email", ""), request.form.get("password", "")
        client, account = self._who(address)
        context = self.context
        try:
            signed = sessions.sign_in(
                context.database, address, password, client, account, context.clock()
            )
        except (SignInRefusedError, TooManyAttemptsError) as error:
            return _sign_in_page(address, str(error)), _status(error)
        return _go_in(signed)

    def show_code(self) -> Page:
        """Ask for the code of the second factor."""
        if not auth.signed_in().awaits_code:
            return redirect(auth.safe_next(request.args.get("next")), 303)
        return render_template("studio/code.html", problem="")

    def give_code(self) -> Page:
        """Complete the sign-in."""
        waiting, context = auth.signed_in(), self.context
        client, account = self._who(waiting.address)
        code = request.form.get("code", "")
        if not waiting.awaits_code:
            return redirect(auth.safe_next(request.args.get("next")), 303)
        try:
            signed = sessions.give_code(
                context.database, context.seal, waiting, code, client, account, context.clock()
            )
        except (SignInRefusedError, TooManyAttemptsError) as error:
            return render_template("studio/code.html", problem=str(error)), _status(error)
        return _go_in(signed)

    def sign_out(self) -> Page:
        """End this browser's session."""
        sessions.sign_out(self.context.database, auth.signed_in().identifier)
        auth.show_out()
        tell("You are signed out.")
        return redirect(url_for("studio.show_sign_in"), 303)

    def show_welcome(self, token: str) -> Page:
        """Show what a one-time link is for, while it is valid."""
        address = sessions.find_link(self.context.database, token, self.context.clock())
        if address is None:
            return render_template("studio/link_spent.html"), 410
        return _welcome_page(address)

    def accept_welcome(self, token: str) -> Page:
        """Set the password, invalidate the link and sign in."""
        context, password = self.context, request.form.get("password", "")
        now = context.clock()
        address = sessions.find_link(context.database, token, now) or abort(410)
        try:
            signed = sessions.set_first_password(context.database, token, password, now)
        except PasswordRefusedError as error:
            return _welcome_page(address, str(error)), 422
        except sessions.LinkSpentError:
            return render_template("studio/link_spent.html"), 410
        tell("Your password is set.")
        return _go_in(signed)

    def _who(self, address: str) -> tuple[str, str]:
        """Return the client, and the account to which attempts are counted."""
        account = self.context.tokens.address_hash(address_key(address))
        return request.remote_addr or "", account


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for signing in."""
    views = SigningIn(context)
    studio.get("/sign-in")(views.show_sign_in)
    studio.post("/sign-in")(views.sign_in)
    studio.get("/sign-in/code")(views.show_code)
    studio.post("/sign-in/code")(views.give_code)
    studio.post("/sign-out")(views.sign_out)
    studio.get("/welcome/<token>")(views.show_welcome)
    studio.post("/welcome/<token>")(views.accept_welcome)


def _go_in(signed: SignedIn) -> Response:
    auth.let_in(signed)
    wanted = auth.safe_next(request.args.get("next"))
    return redirect(url_for("studio.show_code", next=wanted) if signed.awaits_code else wanted, 303)


def _status(error: SignInRefusedError | TooManyAttemptsError) -> int:
    return 429 if isinstance(error, TooManyAttemptsError) else 401


def _sign_in_page(address: str = "", problem: str = "") -> str:
    return render_template("studio/sign_in.html", address=address, problem=problem)


def _welcome_page(address: str, problem: str = "") -> str:
    return render_template(
        "studio/welcome.html", address=address, problem=problem, shortest=SHORTEST
    )
