"""MailPoet: with the columns’ titles or their names, and WordPress’s times, which are in UTC.

`subscribed_ip` is filled in by a form only, and `confirmed_ip` by the click in its email. A person
has a status for each list and one for all; the worse one counts.
"""

from nurture.sheets.programs.program import ListProgram, marks, meanings, statuses

MAILPOET = ListProgram(
    "mailpoet",
    "MailPoet",
    marks=(
        marks("subscribed_ip"),
        marks("Subscription IP"),
        marks("confirmed_ip", "confirmed_at"),
        marks("Global status"),
        marks("List status"),
    ),
    columns=meanings(
        email="email",
        first_name="first_name",
        last_name="last_name",
        state="status,List status,Global status",
        opted_in_at="Subscription time,created_at,subscribed_at",
        opted_in_ip="subscribed_ip,Subscription IP,IP address",
        confirmed_at="confirmed_at,Confirmation time",
        confirmed_ip="confirmed_ip,Confirmation IP",
        list_name="list name,List,segment name",
        tags="tags",
        ignored="updated_at,deleted_at",
    ),
    states=statuses(
        subscribed="subscribed,inactive",
        unconfirmed="unconfirmed",
        unsubscribed="unsubscribed",
        bounced="bounced",
    ),
    zone="UTC",
)
