"""Each program's export is recognised, and its rows are worth what they say and no more."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from nurture.domain.imports.piles import Pile
from nurture.domain.imports.row import RowState
from nurture.sheets.columns import Meaning
from tests.sheets.files import archive, only_sheet, piles_of, rows_of, written

MAILCHIMP = (
    '"Email Address","First Name","Last Name",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,'
    "CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,"
    "TAGS\n"
    'ann@example.org,Ann,Other,2,"2019-07-04 10:11:12",203.0.113.7,"2019-07-04 10:12:00",'
    '203.0.113.7,51.5,-0.1,0,1,Europe/London,GB,,"2019-07-04 10:12:00",1,a1,,"""golf"",""back"""\n'
    'bob@example.org,Bob,,2,,,"2019-07-04 10:12:00",198.51.100.9,,,,,,,,"2020-01-01",2,b2,,\n'
)


def test_mailchimps_four_files_say_by_their_names_what_their_people_are(tmp_path: Path) -> None:
    names = ("subscribed", "unsubscribed", "cleaned", "nonsubscribed")
    packed = {f"{name}_email_audience_export_1a2b.csv": MAILCHIMP for name in names}
    piles = piles_of(archive(tmp_path, "audience_export.zip", packed))
    assert piles == [
        ("ann@example.org", Pile.EVIDENCE),
        ("bob@example.org", Pile.UNKNOWN),
        *[(f"{one}@example.org", Pile.SUPPRESSED) for _ in (1, 2) for one in ("ann", "bob")],
        *[(f"{one}@example.org", Pile.UNKNOWN) for one in ("ann", "bob")],
    ]


def test_mailchimps_times_are_utc_and_its_tags_are_in_quotation_marks(tmp_path: Path) -> None:
    ann, bob = rows_of(written(tmp_path, "subscribed_export.csv", MAILCHIMP))
    assert ann.opted_in_at == datetime(2019, 7, 4, 10, 11, 12, tzinfo=UTC)
    assert (ann.opted_in_ip, ann.time_zone) == ("203.0.113.7", "Europe/London")
    assert ann.tags == ("golf", "back")
    assert (bob.first_name, bob.opted_in_at, bob.line) == ("Bob", None, 3)


def test_a_renamed_file_of_mailchimp_is_doubted_and_its_unsubscribed_are_noticed(
    tmp_path: Path,
) -> None:
    text = (
        "Email Address,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,UNSUB_TIME\n"
        "ann@example.org,2019-07-04 10:11:12,203.0.113.7,2019-07-04 10:12:00,2020-01-01 00:00:00\n"
    )
    path = written(tmp_path, "list.csv", text)
    [ann] = rows_of(path)
    assert (ann.state, ann.left_at) == (RowState.UNSUBSCRIBED, datetime(2020, 1, 1, tzinfo=UTC))
    assert any("for each status" in note for note in only_sheet(path).reading.notes)


EXAMPLES = {
    "mailpoet": (
        "email,first_name,last_name,list name,status,subscribed_ip,confirmed_ip,confirmed_at\n"
        "ann@example.org,Ann,O,News,subscribed,203.0.113.7,203.0.113.7,2019-03-04 10:11:12\n"
        "bob@example.org,Bob,O,News,subscribed,,,2019-03-04 10:11:12\n"
        "cy@example.org,Cy,O,News,unsubscribed,203.0.113.7,203.0.113.7,2019-03-04 10:11:12\n"
        "di@example.org,Di,O,News,unconfirmed,203.0.113.7,,\n",
        [Pile.EVIDENCE, Pile.UNKNOWN, Pile.SUPPRESSED, Pile.UNKNOWN],
    ),
    "kit": (
        "email,first_name,state,created_at,tags\n"
        "ann@example.org,Ann,active,2019-03-04T10:11:12Z,golf\n"
        "bob@example.org,Bob,cancelled,2019-03-04T10:11:12Z,\n"
        "cy@example.org,Cy,complained,2019-03-04T10:11:12Z,\n"
        "di@example.org,Di,inactive,2019-03-04T10:11:12Z,\n",
        [Pile.UNKNOWN, Pile.SUPPRESSED, Pile.SUPPRESSED, Pile.UNKNOWN],
    ),
    "mailerlite": (
        "Subscriber,Subscribed,Opt-in time,Opt-in IP,Confirmation time,Name,Status\n"
        "ann@example.org,2019-03-04 10:11:12,2019-03-04 10:12:00,203.0.113.7,,Ann,Active\n"
        "bob@example.org,2019-03-04 10:11:12,,,,Bob,Active\n"
        "cy@example.org,2019-03-04 10:11:12,2019-03-04 10:12:00,203.0.113.7,,Cy,Junk\n",
        [Pile.EVIDENCE, Pile.UNKNOWN, Pile.SUPPRESSED],
    ),
    "brevo": (
        "EMAIL;LASTNAME;FIRSTNAME;SMS;EMAIL_BLACKLISTED;ADDED_TIME;DOUBLE_OPT-IN\n"
        "ann@example.org;Other;Ann;;No;31-03-2022 09:30;Yes\n"
        "bob@example.org;Other;Bob;;Yes;31-03-2022 09:30;Yes\n",
        [Pile.UNKNOWN, Pile.SUPPRESSED],
    ),
    "fluentcrm": (
        "id,prefix,first_name,last_name,email,status,contact_type,ip,created_at,state\n"
        "1,Ms,Ann,Other,ann@example.org,subscribed,lead,203.0.113.7,2019-03-04 10:11:12,Kent\n"
        "2,Mr,Bob,Other,bob@example.org,spammed,lead,203.0.113.7,2019-03-04 10:11:12,Kent\n"
        "3,Mr,Cy,Other,cy@example.org,pending,lead,203.0.113.7,2019-03-04 10:11:12,Kent\n",
        [Pile.UNKNOWN, Pile.SUPPRESSED, Pile.UNKNOWN],
    ),
    "listmonk": (
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        'u1,ann@example.org,Ann Other,"{""city"": ""Bath""}",enabled,2019-03-04T10:11:12Z,\n'
        "u2,bob@example.org,Bob Other,{},blocklisted,2019-03-04T10:11:12Z,\n"
        "u3,cy@example.org,Cy Other,{},disabled,2019-03-04T10:11:12Z,\n",
        [Pile.UNKNOWN, Pile.SUPPRESSED, Pile.UNKNOWN],
    ),
    "groundhogg": (
        "ID,email,first_name,last_name,user_id,owner_id,optin_status,date_created,tags,"
        "marketing_consent,marketing_consent_date,source_page\n"
        "1,ann@example.org,Ann,O,,1,2,2019-03-04 10:11:12,,yes,2019-03-04,https://example.org/a\n"
        "2,bob@example.org,Bob,O,,1,2,2019-03-04 10:11:12,,,,\n"
        "3,cy@example.org,Cy,O,,1,3,2019-03-04 10:11:12,,yes,2019-03-04,https://example.org/a\n"
        "4,di@example.org,Di,O,,1,8,2019-03-04 10:11:12,,yes,2019-03-04,https://example.org/a\n",
        [Pile.EVIDENCE, Pile.UNKNOWN, Pile.SUPPRESSED, Pile.SUPPRESSED],
    ),
    "google": (
        "First Name,Middle Name,Last Name,Labels,E-mail 1 - Label,E-mail 1 - Value,"
        "E-mail 2 - Value,Phone 1 - Value\n"
        "Ann,,Other,* myContacts ::: Golf,* Home,ann@example.org,,+44 20\n"
        "Bob,,Other,* myContacts,* Home,,bob@example.org,\n"
        "Cy,,Other,* myContacts,* Home,cy@example.org ::: c@example.com,,\n",
        [Pile.UNKNOWN, Pile.UNKNOWN, Pile.UNKNOWN],
    ),
    "apple": (
        "First Name,Last Name,Phone (Mobile),Email (Home),Email (Work)\n"
        "Ann,Other,+44 20,ann@example.org,\n"
        "Bob,Other,,,bob@example.org\n",
        [Pile.UNKNOWN, Pile.UNKNOWN],
    ),
}


@pytest.mark.parametrize("program", EXAMPLES)
def test_an_export_is_recognised_and_sorted(program: str, tmp_path: Path) -> None:
    text, piles = EXAMPLES[program]
    path = written(tmp_path, f"{program}.csv", text)
    assert only_sheet(path).reading.program == program
    assert [pile for _, pile in piles_of(path)] == piles
    assert {row.first_name for row in rows_of(path)} <= {"Ann", "Bob", "Cy", "Di"}


def test_mailpoets_worse_status_counts(tmp_path: Path) -> None:
    text = (
        "Email,List status,Global status,Subscription IP,Subscription time\n"
        "ann@example.org,subscribed,unsubscribed,203.0.113.7,2019-03-04 10:11:12\n"
        "bob@example.org,subscribed,subscribed,203.0.113.7,2019-03-04 10:11:12\n"
    )
    piles = piles_of(written(tmp_path, "mailpoet.csv", text))
    assert [pile for _, pile in piles] == [Pile.SUPPRESSED, Pile.EVIDENCE]


@pytest.mark.parametrize(
    ("header", "cells", "state"),
    [
        ("E-Mail;Vorname;Nachname;Status", "a@example.de;Jürgen;Groß;Abgemeldet", "unsubscribed"),
        ("Courriel;Prénom;Nom;Statut", "a@example.fr;Zoé;Durand;désabonné", "unsubscribed"),
        ("Correo electrónico;Nombre;Apellidos;Estado", "a@example.es;José;N;Baja", "unsubscribed"),
        ("E-mailadres;Voornaam;Achternaam;Status", "a@example.nl;Jan;de V;actief", "subscribed"),
        ("Email;First name;Surname;Unsubscribed", "a@example.org;Ann;O;Yes", "unsubscribed"),
        ("Email;First name;Surname;Unsubscribed", "a@example.org;Ann;O;No", "unknown"),
        ("Email;First name;Surname;Accepts Marketing", "a@example.org;A;O;no", "nonsubscribed"),
        ("Email;First name;Surname;Email marketing consent", "a@x.org;A;O;NEVER_SUBSCRIBED")
        + ("nonsubscribed",),
    ],
)
def test_columns_of_any_list_are_known_in_five_languages(
    header: str, cells: str, state: str, tmp_path: Path
) -> None:
    [row] = rows_of(written(tmp_path, "list.csv", f"{header}\n{cells}\n"))
    assert row.address
    assert row.first_name == cells.split(";")[1]
    assert row.state == state


def test_a_column_called_state_may_be_of_counties(tmp_path: Path) -> None:
    path = written(tmp_path, "list.csv", "Email,State\na@example.org,Kent\nb@example.org,Essex\n")
    sheet = only_sheet(path)
    assert sheet.reading.columns[1] is Meaning.IGNORED
    assert any("State" in note for note in sheet.reading.notes)
    assert {row.state for row in sheet.rows(sheet.reading)} == {RowState.UNKNOWN}


def test_a_column_of_sentences_under_consent_is_the_wording(tmp_path: Path) -> None:
    text = (
        "Email,Consent,Opt-in date\n"
        "ann@example.org,Yes please send me the monthly letter,2019-03-04\n"
    )
    path = written(tmp_path, "list.csv", text)
    assert piles_of(path) == [("ann@example.org", Pile.EVIDENCE)]


def test_a_status_nobody_knows_makes_its_row_unknown(tmp_path: Path) -> None:
    text = (
        "Email,Status,Opt-in date,Opt-in IP\n"
        "ann@example.org,Active,2019-03-04,203.0.113.7\n"
        "bob@example.org,Active,2019-03-04,203.0.113.7\n"
        "cy@example.org,Zombie,2019-03-04,203.0.113.7\n"
    )
    path = written(tmp_path, "list.csv", text)
    assert [pile for _, pile in piles_of(path)] == [Pile.EVIDENCE, Pile.EVIDENCE, Pile.UNKNOWN]
    assert rows_of(path)[-1].problems == ("“Zombie” is not a status that is known.",)


def test_a_worksheet_or_file_of_unsubscribed_people_is_one_by_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, "Unsubscribed 2019.csv", "Email\nann@example.org\n")
    assert piles_of(path) == [("ann@example.org", Pile.SUPPRESSED)]


def test_a_refusal_about_two_addresses_in_one_cell_is_one_about_both(tmp_path: Path) -> None:
    text = "Email,Status\nann@example.org; a@example.com,unsubscribed\nb@x.org c@x.org,active\n"
    assert piles_of(written(tmp_path, "list.csv", text)) == [
        ("ann@example.org", Pile.SUPPRESSED),
        ("a@example.com", Pile.SUPPRESSED),
        ("b@x.org c@x.org", Pile.MISTAKES),
    ]
