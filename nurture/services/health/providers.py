"""Providers: whether their calls can be verified, and so are accepted."""

from collections.abc import Collection, Iterator

from nurture import booking
from nurture.mail.providers import Provider
from nurture.services.health.finding import Finding, doubtful, fine
from nurture.settings import Settings


def providers(settings: Settings, relay: Provider | None) -> Iterator[Finding]:
    """Check that bounces and bookings are received."""
    if relay is not None and not settings.secret(relay.secret_setting):
        said = (
            f"Mail goes through {relay.name} and {relay.secret_setting} is not set, so its calls "
            "about bounces and complaints are refused."
        )
        yield doubtful("providers", said, relay.secret_help)
    elif relay is not None:
        yield fine("providers", f"What {relay.name} tells can be believed.")
    calendars = {one.secret_setting for one in booking.registry().values()}
    if not any(settings.secret(name) for name in calendars):
        yield _no_calendar(calendars)


def _no_calendar(calendars: Collection[str]) -> Finding:
    said = "No calendar’s secret is set, so whoever books goes on getting the series."
    return doubtful("providers", said, f"Set one of {', '.join(sorted(calendars))}.")
