"""The menu at the top of every studio page."""

from typing import Any

from flask import current_app, request, url_for

#: The first page of each area, in the order shown; a page that does not exist is left out.
NAVIGATION = (
    ("Today", "show_today"),
    ("Sequences", "show_sequences"),
    ("Emails", "show_emails"),
    ("People", "show_people"),
    ("Segments", "show_segments"),
    ("Settings", "show_settings"),
)


def navigation() -> list[dict[str, Any]]:
    """Return the entries of the menu, marking the one that the current page belongs to."""
    shown = []
    for label, name in NAVIGATION:
        if f"studio.{name}" in current_app.view_functions:
            address = url_for(f"studio.{name}")
            start = url_for("studio.show_today")
            here = request.path == address or (
                address != start and request.path.startswith(address.rstrip("/") + "/")
            )
            shown.append({"label": label, "address": address, "current": here})
    return shown
