"""Kit, formerly ConvertKit: when a person was added and in which state, but never how."""

from nurture.sheets.programs.program import ListProgram, marks, meanings, statuses

KIT = ListProgram(
    "kit",
    "Kit",
    marks=(
        marks("email", "first_name", "state", "created_at"),
        marks("email", "first_name", "status", "created_at", "tags"),
        marks("email", "first_name", "created_at", "referrer"),
    ),
    columns=meanings(
        email="email,email address",
        first_name="first_name",
        last_name="last_name",
        state="state,status",
        joined_at="created_at",
        tags="tags",
        ignored="id,referrer,referrer_utm_source",
    ),
    states=statuses(
        subscribed="active,confirmed",
        unconfirmed="inactive,unconfirmed",
        unsubscribed="cancelled,canceled,unsubscribed",
        bounced="bounced",
        complained="complained",
    ),
    zone="UTC",
)
