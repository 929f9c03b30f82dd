"""The menu at the top of every studio page."""

from typing import Any

from flask import current_app, g, request, url_for

#: The first page of each area, in the order shown; a page that does not exist is left out.
NAVIGATION = (
    ("Today", "show_today"),
    ("Sequences", "show_sequences"),
    ("Broadcasts", "show_broadcasts"),
    ("Emails", "show_emails"),
    ("People", "show_people"),
    ("Segments", "show_segments"),
    ("Settings", "show_settings"),
)


def stand_in(name: str) -> None:
    """Mark the area whose first page is `name` as current, whatever the URL of this page."""
    g.stands_in = url_for(f"studio.{name}")


def navigation() -> list[dict[str, Any]]:
    """Return the entries of the menu, marking the one that the current page belongs to."""
    shown, path = [], g.get("stands_in", request.path)
    for label, name in NAVIGATION:
        if f"studio.{name}" in current_app.view_functions:
            address = url_for(f"studio.{name}")
            start = url_for("studio.show_today")
            here = path == address or (
                address != start and path.startswith(address.rstrip("/") + "/")
            )
            shown.append({"label": label, "address": address, "current": here})
    return shown
