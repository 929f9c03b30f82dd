"""Groundhogg: statuses as numbers or words; a consent of its own with a date, where one was asked.

`date_created` is when the row was made, by whatever way.
"""

from nurture.sheets.programs.program import ListProgram, marks, meanings, statuses

GROUNDHOGG = ListProgram(
    "groundhogg",
    "Groundhogg",
    marks=(marks("email", "optin_status"), marks("Email Address", "Opt-in Status")),
    columns=meanings(
        email="email,Email Address",
        first_name="first_name",
        last_name="last_name",
        phone="primary_phone,mobile_phone,phone",
        state="optin_status,Opt-in Status",
        joined_at="date_created",
        wants_email="marketing_consent",
        opted_in_at="marketing_consent_date",
        opted_in_ip="ip_address",
        page_url="source_page,Signup Page,Source Page",
        time_zone="time_zone",
        tags="tags",
        ignored="ID,user_id,owner_id,lead_source,gdpr_consent,gdpr_consent_date,terms_agreement,"
        "terms_agreement_date,date_optin_status_changed,primary_phone_extension,region,country,"
        "Date Opt-in Status Changed",
    ),
    states=statuses(
        unconfirmed="1,unconfirmed",
        subscribed="2,confirmed,4,weekly,5,monthly",
        unsubscribed="3,unsubscribed,9,blocked",
        bounced="6,hard bounce,bounced",
        complained="7,spam,8,complained",
    ),
)
