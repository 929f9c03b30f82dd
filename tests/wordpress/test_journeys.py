"""No signup is lost, and nobody is written to twice, whatever stops in between."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from nurture.clock import real_now
from nurture.store.tables.signups import signups
from nurture.store.tables.subscribers import subscribers
from tests.machines import backed_up, command, restored
from tests.presence import at_least_one
from tests.servers.smtp import SmtpSink
from tests.wordpress.payloads import PAYLOADS, payload
from tests.wordpress.practice import Practice, guides

pytestmark = pytest.mark.wordpress

OUTAGE = [f"person{n}@example.org" for n in range(50)]


def all_sign_up(practice: Practice) -> None:
    """Fifty people sign up: through the plugin's own form, and through each builder in turn."""
    builders = [None, *PAYLOADS]
    for number, email in enumerate(OUTAGE):
        builder = builders[number % len(builders)]
        if builder is None:
            assert "nurture=thanks" in practice.site.sign_up(email).location
        else:
            page = practice.site.fire(builder, payload(builder, email))
            assert (page.status, page.text) == (200, "the builder goes on")


def map_all(practice: Practice) -> None:
    for builder in PAYLOADS:
        practice.map(f"{builder}:7")


def test_a_signup_is_sent_at_once_with_all_that_is_known_of_the_visit(practice: Practice) -> None:
    visit = {"tz": "Europe/Paris", "first": {"utm_source": "radio"}, "last": {"utm_source": "x"}}
    page = "/?p=1&utm_source=letter&utm_medium=email"
    with practice.answering():
        practice.site.sign_up(
            "ann@example.org",
            page,
            nurture_first_name="O'Neill",
            nurture_visit=json.dumps(visit),
            **{"nurture_consent[]": ["tracking"]},
        )
    [row] = practice.site.outbox()
    assert row["sent_at"] and row["next_try_at"] is None and row["answer"] == "202"
    [signup] = practice.home.rows(signups)
    assert signup["page_url"] == practice.site.url + page
    assert signup["utm"] == {
        "utm_source": "letter",
        "utm_medium": "email",
        "utm_first_source": "radio",
    }
    person = practice.home.person("ann@example.org")
    assert (person["first_name"], person["time_zone"]) == ("O'Neill", "Europe/Paris")
    assert signup["client"] == "127.0.0.1"
    assert signup["received_at"] is None


def test_fifty_signups_during_two_hours_without_the_program_bring_exactly_fifty_guides(
    practice: Practice, smtp_sink: SmtpSink
) -> None:
    with practice.answering():
        practice.site.fire("gravity-forms", payload("gravity-forms", "paul@example.org"))
    map_all(practice)
    all_sign_up(practice)
    rows = practice.site.outbox()
    assert [row["payload"]["email"] for row in rows] == OUTAGE
    practice.site.age("2 HOUR")
    practice.site.run_cron()
    assert {row["sent_at"] for row in practice.site.outbox()} == {None}
    practice.site.age("0 HOUR")
    with practice.answering():
        for _ in range(5):
            practice.site.run_cron()
    rows = practice.site.outbox()
    assert [row["answer"] for row in rows] == ["202"] * 50
    practice.home.clock.set(real_now())
    practice.home.deliver()
    assert guides(smtp_sink) == dict.fromkeys(OUTAGE, 1)
    late = [row["received_at"] - row["signed_up_at"] for row in practice.home.rows(signups)]
    assert all(timedelta(hours=2) < one < timedelta(hours=3) for one in at_least_one(late))
    practice.site.sql("UPDATE wp_nurture_outbox SET next_try_at = UTC_TIMESTAMP(6)")
    with practice.answering():
        practice.site.run_cron()
    practice.home.deliver()
    assert len(smtp_sink.mails) == 50


def test_a_page_view_sends_what_waits_where_no_cron_runs_but_only_once_a_minute(
    practice: Practice,
) -> None:
    practice.site.sign_up("ann@example.org")
    with practice.answering():
        practice.site.age("1 HOUR")
        practice.site.sql(
            "UPDATE wp_options SET option_value = '1' WHERE option_name LIKE 'nurture%at'"
        )
        assert practice.site.get("/?p=1").status == 200
        assert practice.site.outbox()[0]["sent_at"]
        practice.site.sql("UPDATE wp_nurture_outbox SET next_try_at = UTC_TIMESTAMP(6), tries = 0")
        practice.site.sql(
            "UPDATE wp_options SET option_value = '1' WHERE option_name = 'nurture_due_at'"
        )
        practice.site.get("/?p=1")
        assert practice.site.outbox()[0]["tries"] == "0"


def test_an_answer_that_was_lost_on_the_way_makes_no_second_signup(
    practice: Practice, smtp_sink: SmtpSink
) -> None:
    with practice.answering():
        practice.site.sign_up("ann@example.org")
        practice.site.sql("UPDATE wp_nurture_outbox SET sent_at = NULL, next_try_at = created_at")
        practice.site.age("5 MINUTE")
        practice.site.run_cron()
    [row] = practice.site.outbox()
    assert row["sent_at"] and row["answer"].startswith("409 ")
    assert len(practice.home.rows(signups)) == 1
    assert "did not arrive" not in practice.signed_in()


def test_a_wrong_secret_is_tried_again_and_shown_until_it_is_replaced(practice: Practice) -> None:
    right, site = practice.key.secret, practice.site
    page = practice.signed_in()
    assert right not in page and practice.key.key in page
    wrong = "whsec_" + "A" * 32
    known = {
        "nurture_address": f"http://127.0.0.1:{practice.port}",
        "nurture_key": practice.key.key,
    }
    assert "Saved." in site.press("save", nurture_secret=wrong, **known)
    with practice.answering():
        assert "does not accept the secret" in site.press("test")
        site.sign_up("ann@example.org")
        [row] = site.outbox()
        assert row["answer"].startswith("401 ") and row["next_try_at"]
        assert "The signature does not fit" in site.settings()
        assert "begins with whsec_" in site.press("save", nurture_secret="what", **known)
        site.press("save", nurture_secret=right, **known)
        assert "It works" in site.press("test")
        site.run_cron()
    assert site.outbox()[0]["sent_at"]
    assert practice.home.person("ann@example.org")


def test_a_refusal_is_kept_and_shown_with_the_programs_sentence(practice: Practice) -> None:
    site = practice.site
    practice.signed_in()
    with practice.answering():
        site.php("nurture_take( 'pain-guide', array( 'email' => 'nobody' ) ); return 1;")
        page = site.settings()
        assert "1 signup did not arrive" in page
        assert "This is not a deliverable email address" in page
        [row] = site.outbox()
        assert (row["next_try_at"], row["sent_at"], row["tries"]) == (None, None, "1")
        site.run_cron()
        assert site.outbox()[0]["tries"] == "1"
        assert "again within a minute" in site.press("retry", nurture_row=row["id"])
        site.run_cron()
        site.press("drop", nurture_row=row["id"])
    assert site.outbox() == []


def test_after_seven_days_of_failures_a_signup_is_given_up_and_shown(practice: Practice) -> None:
    site = practice.site
    site.sign_up("ann@example.org")
    site.sql("UPDATE wp_nurture_outbox SET tries = 30")
    site.age("6 DAY")
    site.run_cron()
    assert site.outbox()[0]["next_try_at"]
    site.age("2 DAY")
    site.run_cron()
    assert site.outbox()[0]["next_try_at"] is None
    assert "1 signup did not arrive" in practice.signed_in()


def test_what_was_sent_is_deleted_after_thirty_days(practice: Practice) -> None:
    with practice.answering():
        practice.site.sign_up("ann@example.org")
    practice.site.age("29 DAY")
    practice.site.run_cron()
    assert len(practice.site.outbox()) == 1
    practice.site.age("2 DAY")
    practice.site.run_cron()
    assert practice.site.outbox() == []


def test_everyone_of_the_gap_comes_back_to_a_restored_machine_and_nobody_twice(
    practice: Practice, smtp_sink: SmtpSink, tmp_path: Path
) -> None:
    home, site, folder = practice.home, practice.site, tmp_path / "backups"
    yesterday, gap = ["ann@example.org", "bea@example.org"], ["cem@example.org", "dan@example.org"]
    folder.mkdir()
    with practice.answering():
        for email in yesterday:
            site.sign_up(email)
        home.deliver()
        site.age("1 DAY")
        home.clock.set(real_now() - timedelta(hours=20))
        file, words = backed_up(home, folder)
        home.clock.set(real_now())
        for email in gap:
            site.sign_up(email)
        home.deliver()
    assert guides(smtp_sink) == dict.fromkeys(yesterday + gap, 1)
    home.clock.set(real_now())
    other, result = restored(home, file, words)
    assert result.exit_code == 0, result.output
    practice.signed_in()
    since = (real_now() - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    with practice.answering(other):
        assert "4 signups will be sent again" in site.press("again", nurture_since=since)
        site.run_cron()
    known = [row["address"] for row in other.rows(subscribers)]
    assert sorted(known) == sorted(yesterday + gap)
    assert command(other, "arm").exit_code == 0
    held = json.loads(command(other, "held", "list", "--json").stdout)
    assert set(gap) <= {one["email"] for one in held}
    other.deliver()
    assert guides(smtp_sink) == dict.fromkeys(yesterday + gap, 1)
    assert all(row["sent_at"] and not row["next_try_at"] for row in at_least_one(site.outbox()))
    other.close()
