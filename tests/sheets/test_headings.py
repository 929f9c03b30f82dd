"""A heading that no program is known for means what its kind says, refusals before all else."""

import pytest

from nurture.sheets.columns import Meaning, words_of
from nurture.sheets.headings import beside, in_groups, is_vague, kind_of, names_form

KINDS = {
    Meaning.REFUSES_EMAIL: (
        "Opted out of email: Offers and news",
        "Do not e-mail",
        "Don’t contact",
        "Unsubscribed (all lists)",
        "Consent withdrawn?",
        "Keine Werbung per E-Mail",
        "Ne pas contacter",
        "email_disabled",
        "Reported as spam",
    ),
    Meaning.LEFT_AT: ("Date of opting out", "Opt-out date (email)", "Stop Time", "Abmeldung am"),
    Meaning.BOUNCED_AT: ("Email hard bounce reason", "Bounce date"),
    Meaning.WAY_OUT_OFFERED: ("Offered a way to opt out at booking", "Unsubscribe box shown"),
    Meaning.STATE: ("Listenstatus", "Globaler Status", "Newsletter status", "Opt-in Status"),
    Meaning.OPTED_IN_AT: (
        "Marketing consent given on",
        "Subscriber Since",
        "Anmeldung am",
        "Date they agreed",
        "Einwilligung erteilt am",
    ),
    Meaning.OPTED_IN_IP: ("Signed up from IP", "Abonnement-IP", "IP at consent"),
    Meaning.WORDING: ("Consent wording shown", "Text of the consent: wording of consent text"),
    Meaning.FORM: ("Sign-up form used", "How they signed up", "Subscriber source"),
    Meaning.WANTS_EMAIL: (
        "Would you like our newsletter?",
        "Newsletter gewünscht",
        "Happy to email",
    ),
    Meaning.EMAIL: ("E-mail 2 Address", "Attendee Email", "Email address 2"),
    Meaning.FIRST_NAME: ("Billing First Name",),
    Meaning.BOUGHT: ("What they bought",),
    Meaning.IGNORED: (
        "SMS opt-out",
        "SMS Marketing Consent Timestamp",
        "Treatment consent date",
        "Photo consent given on",
        "Consent to treatment form",
        "Unsubscribe link",
        "Soft bounces",
        "Subscription expires on",
        "active_subscription",
    ),
    None: (
        "Chief complaint",
        "Buyer Email",
        "Clinician email",
        "Notes",
        "Booking status",
        "E-mail Type",
    ),
}


@pytest.mark.parametrize(
    ("heading", "meaning"), [(one, meaning) for meaning, those in KINDS.items() for one in those]
)
def test_a_heading_means_what_its_kind_says(heading: str, meaning: Meaning | None) -> None:
    assert kind_of(words_of(heading)) is meaning


def test_a_date_and_a_how_beside_a_question_are_those_of_its_answer() -> None:
    asked = ("name", "email", "agreed to newsletter", "date", "how")
    assert beside(asked, {}) == {3: Meaning.OPTED_IN_AT, 4: Meaning.FORM}
    assert beside(("name", "email", "visit", "date", "how"), {}) == {}


def test_a_date_below_a_group_of_columns_is_of_that_group() -> None:
    found = in_groups(("", "newsletter consent", "", "stopped"), ("email", "given", "date", "date"))
    assert found == {1: Meaning.WANTS_EMAIL, 2: Meaning.OPTED_IN_AT, 3: Meaning.LEFT_AT}


def test_only_a_cell_that_names_a_form_counts_where_the_heading_promises_none() -> None:
    assert is_vague("how they signed up")
    assert not is_vague("sign up form")
    named = ("Paper form at the open day", "Newsletter Block: /guide", "Anmeldeformular")
    assert all(map(names_form, named))
    assert not any(map(names_form, ("Facebook", "spoke to me", "Leeds", "Imported", "Platform")))
