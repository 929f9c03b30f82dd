"""Brevo, formerly Sendinblue: semicolons, attributes in capitals, and refusals by channel."""

from nurture.sheets.programs.program import ListProgram, marks, meanings

BREVO = ListProgram(
    "brevo",
    "Brevo",
    marks=(
        marks("EMAIL", "LASTNAME", "FIRSTNAME"),
        marks("EMAIL", "EMAIL_BLACKLISTED"),
        marks("EMAIL", "EMAIL_BLOCKLISTED"),
        marks("EMAIL", "DOUBLE_OPT-IN"),
    ),
    columns=meanings(
        email="EMAIL",
        first_name="FIRSTNAME,PRENOM,VORNAME,NOMBRE",
        last_name="LASTNAME,NOM,NACHNAME,APELLIDOS,SURNAME",
        phone="SMS,WHATSAPP",
        refuses_email="EMAIL_BLACKLISTED,EMAIL_BLOCKLISTED,BLACKLISTED,BLOCKLISTED",
        joined_at="ADDED_TIME,CREATED_AT,CREATED TIME",
        list_name="LIST,LISTS,LIST_NAME",
        ignored="SMS_BLACKLISTED,SMS_BLOCKLISTED,MODIFIED_TIME,MODIFIED_AT,CONTACT ID,EXT_ID,"
        "DOUBLE_OPT-IN,OPT_IN",
    ),
)
