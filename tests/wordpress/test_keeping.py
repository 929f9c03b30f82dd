"""Only an administrator changes anything, and nothing is left when the plugin goes."""

import urllib.request

import pytest

from tests.wordpress.practice import Practice
from tests.wordpress.site import ADMIN

pytestmark = pytest.mark.wordpress

LEFT = """
global $wpdb;
return array(
	$wpdb->get_col( "SELECT option_name FROM {$wpdb->options} WHERE option_name LIKE '%nurture%'" ),
	$wpdb->get_col( "SHOW TABLES LIKE '%nurture%'" ),
	false !== strpos( serialize( _get_cron_array() ), 'nurture' ),
	file_exists( WP_PLUGIN_DIR . '/nurture-signups' ),
);
"""


def test_uninstalling_leaves_no_table_option_schedule_or_file(practice: Practice) -> None:
    site = practice.site
    site.sign_up("ann@example.org")
    practice.signed_in()
    site.press("save", nurture_address="http://127.0.0.1:1", nurture_key="x")
    site.get("/")
    options, tables, scheduled, files = site.php(LEFT)
    assert options and tables and scheduled and files
    practice.forget()
    assert site.php(LEFT) == [[], [], False, False]


def test_switching_the_plugin_off_ends_its_schedule_and_keeps_what_waits(
    practice: Practice,
) -> None:
    site = practice.site
    site.sign_up("ann@example.org")
    admin = "require_once ABSPATH . 'wp-admin/includes/admin.php';"
    site.php(f"{admin} deactivate_plugins( 'nurture-signups/nurture-signups.php' ); return 1;")
    assert site.php(LEFT)[2] is False
    site.php(f"{admin} activate_plugin( 'nurture-signups/nurture-signups.php' ); return 1;")
    assert len(site.outbox()) == 1


@pytest.mark.parametrize("action", ["save", "map", "test", "again", "retry", "drop"])
def test_every_button_needs_an_administrator_who_has_pressed_it(
    practice: Practice, action: str
) -> None:
    path = "/wp-admin/admin-post.php"
    fields = {"action": f"nurture_{action}", "nurture_key": "x", "nurture_row": "1"}
    before = practice.site.php("return get_option( 'nurture_settings', 'none' );")
    practice.site.post(fields, path)
    practice.signed_in()
    body = f"action=nurture_{action}&nurture_key=x".encode()
    page = practice.site.browse(urllib.request.Request(practice.site.url + path, body))
    assert page.status == 403
    assert practice.site.php("return get_option( 'nurture_settings', 'none' );") == before


def test_wordpress_exports_and_erases_what_is_written_down_of_a_person(practice: Practice) -> None:
    site = practice.site
    for email in ("ann@example.org", "joann@example.org"):
        site.sign_up(email)
    told = site.php("return nurture_export( 'Ann@example.org' );")
    [item] = told["data"]
    assert {"name": "email", "value": "ann@example.org"} in item["data"]
    assert site.php("return nurture_erase( 'ann@example.org' );")["items_removed"] is True
    assert [row["payload"]["email"] for row in site.outbox()] == ["joann@example.org"]


def test_the_secret_is_on_no_page_and_the_config_answers_nothing(practice: Practice) -> None:
    assert ADMIN == "paul" and practice.key.secret not in practice.signed_in()
    page = practice.site.get("/wp-content/plugins/nurture-signups/config.php")
    assert page.text == ""
