"""FluentCRM: statuses in words; its network address is of the person’s last known visit."""

from nurture.sheets.programs.program import ListProgram, marks, meanings, statuses

FLUENTCRM = ListProgram(
    "fluentcrm",
    "FluentCRM",
    marks=(
        marks("email", "prefix", "status", "contact_type"),
        marks("email", "prefix", "first_name", "last_activity"),
        marks("email", "address_line_1", "postal_code", "contact_type"),
        marks("email", "address_line_1", "life_time_value"),
        marks("email", "first_name", "prefix", "status", "source"),
    ),
    columns=meanings(
        email="email",
        first_name="first_name",
        last_name="last_name",
        full_name="full_name",
        phone="phone",
        state="status",
        joined_at="created_at",
        time_zone="timezone",
        list_name="lists",
        tags="tags",
        ignored="id,user_id,prefix,contact_type,address_line_1,address_line_2,postal_code,city,"
        "state,country,ip,latitude,longitude,total_points,life_time_value,source,avatar,"
        "date_of_birth,updated_at,last_activity,hash,contact_owner,company_id",
    ),
    states=statuses(
        subscribed="subscribed",
        unconfirmed="pending",
        unsubscribed="unsubscribed",
        bounced="bounced",
        complained="complained,spammed",
        nonsubscribed="transactional",
    ),
)
