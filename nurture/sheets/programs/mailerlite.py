"""MailerLite: opting in is the click in the email, with time and network, where it was asked for.

`Subscribed` is when the person was added, by whatever way.
"""

from nurture.sheets.programs.program import ListProgram, marks, meanings, statuses

MAILERLITE = ListProgram(
    "mailerlite",
    "MailerLite",
    marks=(
        marks("Subscriber", "Subscribed"),
        marks("Subscriber", "Opt-in time"),
        marks("subscribed_at", "opted_in_at"),
    ),
    columns=meanings(
        email="Subscriber,Email",
        first_name="Name,First name",
        last_name="Last name",
        phone="Phone",
        state="Status,Type",
        joined_at="Subscribed,subscribed_at,Date added,Created",
        opted_in_at="opted_in_at,Opt-in time,Opt-in date,Signup time",
        opted_in_ip="Opt-in IP,Signup IP,IP",
        confirmed_at="Confirmation time,Confirmed",
        confirmed_ip="Confirmation IP",
        left_at="Unsubscribed,Unsubscribe time",
        list_name="Groups,Group",
        ignored="Sent,Opens,Clicks,Opened,Clicked,Location,Country,City,Company,State,Zip,"
        "Updated,Source",
    ),
    states=statuses(
        subscribed="active",
        unconfirmed="unconfirmed",
        unsubscribed="unsubscribed",
        bounced="bounced",
        complained="junk,spam",
    ),
    zone="UTC",
)
