"""Mailchimp: a zip of one CSV file for each status, with times in UTC.

A confirmation time is filled in for imported people too, with the network of the importer, so that
neither is read as a click. `OPTIN_TIME` and `OPTIN_IP` together are filled only by a form.
"""

from nurture.sheets.programs.program import ListProgram, marks, meanings

MAILCHIMP = ListProgram(
    "mailchimp",
    "Mailchimp",
    marks=(marks("OPTIN_TIME", "CONFIRM_TIME"), marks("MEMBER_RATING", "LEID", "EUID")),
    columns=meanings(
        email="Email Address,Email",
        first_name="First Name,FNAME",
        last_name="Last Name,LNAME",
        phone="Phone Number,Phone",
        opted_in_at="OPTIN_TIME",
        opted_in_ip="OPTIN_IP",
        confirmed_at="CONFIRM_TIME",
        left_at="UNSUB_TIME",
        bounced_at="CLEAN_TIME",
        time_zone="TIMEZONE",
        tags="TAGS",
        ignored="CONFIRM_IP,LAST_CHANGED,MEMBER_RATING,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,CC,REGION,LEID,EUID,"
        "NOTES,EMAIL_TYPE,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER,"
        "CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,Address,Birthday",
    ),
    zone="UTC",
    file_says_state=True,
)
