"""Google’s address book as CSV, in the layout until 2024 and the one since; no list."""

from nurture.sheets.programs.program import ListProgram, marks, meanings

GOOGLE = ListProgram(
    "google",
    "Google Contacts",
    marks=(
        marks("Given Name", "Family Name", "E-mail 1 - Value"),
        marks("First Name", "Last Name", "E-mail 1 - Value"),
        marks("E-mail 1 - Label", "E-mail 1 - Value"),
    ),
    columns=meanings(
        email="E-mail 1 - Value,E-mail 2 - Value,E-mail 3 - Value",
        first_name="Given Name,First Name",
        last_name="Family Name,Last Name",
        full_name="Name",
        phone="Phone 1 - Value,Phone 2 - Value",
        tags="Group Membership,Labels",
        ignored="Notes,Subject,Location,Language,Birthday",
    ),
)
