"""The machinery: which of the server's settings are active, without any secrets."""

from flask import Blueprint, render_template

from nurture import __version__
from nurture.bootstrap import Context, doubts
from nurture.mail.smtp.route import SmtpRoute
from nurture.settings import Settings
from nurture.web.views import Views


class ServerPage(Views):
    """The view."""

    def show_machinery(self) -> str:
        """Show what the server's administrator has set."""
        settings = self.context.settings
        return render_template(
            "studio/machinery.html",
            facts=_facts(settings, self.context.database.is_sqlite),
            doubts=doubts(settings),
            version=__version__,
        )


def _facts(settings: Settings, embedded: bool) -> list[tuple[str, str, str]]:
    """Return each setting's description, its current value, and its name."""
    route = str(SmtpRoute.from_url(settings.smtp_url)) if settings.smtp_url else ""
    days = f"{settings.retention_days} days"
    proxies = str(settings.trusted_proxies or "none")
    return [
        ("The address of these pages", settings.public_url, "NURTURE_BASE_URL"),
        (
            "Mail server",
            route or "none: emails are written to the outbox and reach nobody",
            "NURTURE_SMTP_URL",
        ),
        ("Signing of emails (DKIM)", _dkim(settings), "NURTURE_DKIM_SELECTOR"),
        ("Database", "embedded" if embedded else "PostgreSQL", "NURTURE_DATABASE_URL"),
        ("Raw openings and clicks are kept for", days, "NURTURE_RETENTION_DAYS"),
        ("Proxies in front", proxies, "NURTURE_TRUSTED_PROXIES"),
    ]


def _dkim(settings: Settings) -> str:
    if settings.dkim_selector:
        return f"here, with the selector “{settings.dkim_selector}”"
    return "by your mail server, if it does"


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the machinery's routes."""
    studio.get("/settings/machinery")(ServerPage(context).show_machinery)
