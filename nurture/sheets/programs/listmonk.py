"""listmonk: the status is whether a person may be emailed at all, not whether they agreed."""

from nurture.sheets.programs.program import ListProgram, marks, meanings, statuses

LISTMONK = ListProgram(
    "listmonk",
    "listmonk",
    marks=(
        marks("uuid", "email", "name", "attributes", "status"),
        marks("email", "name", "attributes", "status"),
    ),
    columns=meanings(
        email="email",
        full_name="name",
        state="status,subscription_status",
        joined_at="created_at",
        list_name="lists",
        ignored="uuid,attributes,updated_at,id",
    ),
    states=statuses(
        subscribed="enabled,confirmed",
        unconfirmed="unconfirmed",
        nonsubscribed="disabled",
        unsubscribed="blocklisted,blacklisted,unsubscribed",
    ),
    zone="UTC",
)
