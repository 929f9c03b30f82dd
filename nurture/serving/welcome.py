"""What `nurture serve` prints once everything runs."""

from typing import Any

from nurture.bootstrap import doubts
from nurture.mail.smtp.route import SmtpRoute
from nurture.settings import Settings


def welcome(settings: Settings, told: dict[str, Any]) -> str:
    """Return where to look, and what must still be set before real people are emailed."""
    here = settings.reached_at
    lines = [
        f"nurture is running for {told['practice']}.",
        "",
        f"  your studio      {here}/studio/ (let yourself in: nurture owner add EMAIL)",
        f"  how to call it   {here}/docs",
        *(f"  signup webhook   {here}/webhooks/signup/{form}" for form in told["forms"]),
        f"  its secrets      {_secrets(settings)}",
        f"  mails go to      {_mails(settings)}",
        f"  everything kept  {settings.data_dir}",
        *_list(
            "To set before you write to real people, in the environment or in .env:",
            settings.first_steps(),
        ),
        *_list("Probably not meant:", doubts(settings)),
        *_list(
            "Still to be filled in, in the studio or under templates/emails:", told["to_fill_in"]
        ),
        *_list("The studio and the files differ:", told["notes"]),
        *_list("To be put right:", told["troubles"]),
    ]
    if not told["armed"]:
        lines += ["", "NOT ARMED: this database is a copy and sends nothing.", "Run “nurture arm”."]
    return "\n".join([*lines, "", "Ctrl-C stops it."])


def _list(heading: str, entries: list[str]) -> list[str]:
    return ["", heading, *(f"  - {entry}" for entry in entries)] if entries else []


def _secrets(settings: Settings) -> str:
    made = settings.data_dir / "secrets.env"
    return str(made) if made.exists() else "NURTURE_SIGNUP_TOKEN and NURTURE_SIGNUP_SECRET"


def _mails(settings: Settings) -> str:
    if settings.smtp_url:
        return f"the mail server {SmtpRoute.from_url(settings.smtp_url)}"
    where = settings.data_dir / "outbox"
    return f"nobody: they are written to {where} (“nurture outbox” makes a page of them)"
