"""Apple’s address book, as cards or as CSV by one of the apps that write it; no list."""

from nurture.sheets.programs.program import ListProgram, marks, meanings

APPLE = ListProgram(
    "apple",
    "Apple Contacts",
    marks=(
        marks("First Name", "Last Name", "Email (Home)"),
        marks("First name", "Last name", "E-mail (home)"),
        marks("First", "Last", "Email : home"),
        marks("First Name", "Last Name", "Email : Home"),
        marks("First Name", "Last Name", "Home Email"),
    ),
    columns=meanings(
        email="Email (Home),Email (Work),Email (Other),E-mail (home),E-mail (work),Email : home,"
        "Email : work,Email : other,Home Email,Work Email,Email",
        first_name="First Name,First",
        last_name="Last Name,Last",
        phone="Phone (Mobile),Phone (Home),Mobile,Phone : mobile,Phone : home,Mobile Phone",
        ignored="Note,Notes,Birthday",
    ),
)

#: What the table of a file of cards is: its columns are named by `vcard.HEADER`.
CARDS = ListProgram(
    "cards",
    "Address book",
    columns=meanings(
        email="email",
        first_name="first name",
        last_name="last name",
        phone="phone",
        tags="categories",
        ignored="time zone",
    ),
)
