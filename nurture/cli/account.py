"""Commands for the mail server account: its state, trying it again, and connecting it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nurture.cli import streams
from nurture.cli.command import main, with_database

if TYPE_CHECKING:
    from nurture.bootstrap import Context
    from nurture.mail.oauth.authorization import AuthorizationRequest
    from nurture.mail.oauth.providers import Client, OAuthProvider
    from nurture.mail.oauth.redirect import Redirects
    from nurture.mail.oauth.tokens import IssuedTokens
    from nurture.services.account.grant import GrantState

#: How long the browser may take on the provider's page.
_BROWSER_SECONDS = 900.0


@main.group()
def account() -> None:
    """Check whether the mail account accepts email, retry it, or connect it without a password."""


@account.command()
@with_database
def show(context: Context) -> None:
    """Show whether the mail account accepts email, and which account is connected.

    If it does not accept email, show why and until when.
    """
    from nurture.services.account import grant, words
    from nurture.services.account import hold as account_hold

    with context.database.reading() as connection:
        state = account_hold.state_of(connection, context.clock())
        connected = grant.find_state(connection)
    if connected is not None:
        _tell_connected(connected)
    if state.hold is None:
        return click.echo("The mail account accepts email.")
    held = state.hold
    click.echo(f"{words.what_is_wrong(held)} (since {held.since.isoformat()}).")
    click.echo(f"The reason: {held.reason}")
    click.echo(f"{state.waiting} people are waiting. Next try: {held.until.isoformat()}.")
    to_do = words.what_to_do(held, context.clock())
    if to_do:
        click.echo(to_do)


def _tell_connected(state: GrantState) -> None:
    whose = f"{state.account} is" if state.account else "An account is"
    click.echo(f"{whose} connected at {state.provider} since {state.connected_at.isoformat()}.")
    if state.lapsed_at is not None:
        click.echo(f"That has lapsed on {state.lapsed_at.isoformat()}: {state.lapsed_because}")


@account.command("try")
@with_database
def try_(context: Context) -> None:
    """Try the mail account again now.

    One email is sent first; if the mail server accepts it, the others follow.
    """
    from nurture.services.account import hold as account_hold

    held = account_hold.try_now(context.database, context.clock())
    click.echo("The next sweep will try." if held else "The mail account accepts email.")


@account.command()
@click.argument("provider", type=click.Choice(["google", "microsoft"]))
@click.option(
    "--client-id", default="", help="The app's ID, unless NURTURE_OAUTH_CLIENT_ID has it."
)
@click.option("--client-secret", default="", help="The app's secret, if it has one.")
@click.option("--browser", "way", flag_value="browser", help="Agree in a browser on this machine.")
@click.option("--device", "way", flag_value="device", help="Type a code on any other device.")
@with_database
def connect(
    context: Context, provider: str, client_id: str, client_secret: str, way: str | None
) -> None:
    """Connect the mail account at PROVIDER, so that email is sent without a password.

    It says what to do, waits until you have agreed on the provider's page, and sends at once what
    had to wait. docs/connecting-an-account.md has every click.
    """
    from nurture.mail.oauth.providers import client_of, provider_of
    from nurture.services.account import grant

    settings = context.settings
    chosen = provider_of(settings, provider)
    client = client_of(settings, client_id, client_secret)
    by_device = way == "device" or (way is None and chosen.prefers_device)
    address = grant.account_of(settings)
    tokens = _by_device(chosen, client) if by_device else _by_browser(chosen, client, address)
    grant.connect(context.database, context.seal, chosen, client, address, tokens, context.clock())
    click.echo("Connected. What waited for it leaves with the next sweep.")
    if not _logs_in_with_tokens(context):
        click.echo(
            "To send with it, set NURTURE_SMTP_URL=smtp://YOU%40YOUR-DOMAIN@"
            f"{chosen.mail_server}?auth=xoauth2 and restart."
        )


def _logs_in_with_tokens(context: Context) -> bool:
    from nurture.mail.smtp.route import SmtpRoute

    url = context.settings.smtp_url
    return bool(url) and SmtpRoute.from_url(url).login.needs_token


def _by_device(provider: OAuthProvider, client: Client) -> IssuedTokens:
    from nurture.mail.oauth.device import begin_device, wait_for_device

    code = begin_device(provider, client)
    click.echo(f"Open {code.page} on any device, sign in to the account that sends, and type:")
    click.echo(f"\n    {code.user_code}\n")
    click.echo(f"This waits for {code.lasts / 60:.0f} minutes. Ctrl-C stops it.")
    return wait_for_device(provider, client, code)


def _by_browser(provider: OAuthProvider, client: Client, address: str) -> IssuedTokens:
    from nurture.mail.oauth.authorization import AuthorizationRequest, exchange
    from nurture.mail.oauth.redirect import listening

    request = AuthorizationRequest.new("")
    with listening(provider.loopback, request.is_answered_by) as redirects:
        request = request.at(redirects.uri)
        click.echo("Open this address in a browser, and sign in to the account that sends:")
        click.echo(f"\n{request.page(provider, client, address)}\n")
        click.echo(
            "If that browser is on another machine, its last page cannot be shown: copy the "
            "address of that page, paste it here and press Enter. Ctrl-C stops this."
        )
        answer = _first_answer(redirects, request)
    return exchange(provider, client, request, answer)


def _first_answer(redirects: Redirects, request: AuthorizationRequest) -> dict[str, str]:
    """Return what the browser brought or the owner pasted, whichever comes first."""
    import time

    from nurture.mail.oauth.redirect import answer_in
    from nurture.mail.oauth.tokens import ConnectingFailedError

    deadline = time.monotonic() + _BROWSER_SECONDS
    while time.monotonic() < deadline:
        answer = redirects.wait(0.5)
        if answer is not None:
            return answer
        pasted = streams.line_if_typed()
        if pasted and request.is_answered_by(answer_in(pasted)):
            return answer_in(pasted)
        if pasted:
            click.echo(
                "That is not the address of the last page: it begins with http:// and has "
                "“state=” in it."
            )
    raise ConnectingFailedError("Nobody agreed in time.", remedy="Connect again.")


@account.command()
@with_database
def disconnect(context: Context) -> None:
    """Forget the permission to use the mail account; email waits until one is connected again."""
    from nurture.mail.oauth.providers import PROVIDERS
    from nurture.services.account import grant

    with context.database.reading() as connection:
        state = grant.find_state(connection)
    if state is None or not grant.disconnect(context.database):
        return click.echo("No account is connected.")
    click.echo("Disconnected. Running programs notice within a minute; email waits.")
    if state.provider in PROVIDERS:
        page = PROVIDERS[state.provider].permissions_page
        click.echo(f"To take the permission away at the provider as well, open {page}.")
