"""A real WordPress with its own database server, gone afterwards."""

import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from tests.servers.ports import free_port

INSTALLED = Path("/usr/share/wordpress")
HERE = Path(__file__).parent
ADMIN, PASSWORD = "paul", "the-password-of-the-owner"
PATIENCE = 60.0

_CONFIG = """<?php
define( 'DB_NAME', 'wordpress' );
define( 'DB_USER', 'root' );
define( 'DB_PASSWORD', '' );
define( 'DB_HOST', 'localhost:%(socket)s' );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );
define( 'WP_HOME', '%(url)s' );
define( 'WP_SITEURL', '%(url)s' );
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'WP_ACCESSIBLE_HOSTS', '127.0.0.1' );
define( 'DISABLE_WP_CRON', true );
define( 'FS_METHOD', 'direct' );
define( 'AUTH_KEY', 'a' ); define( 'SECURE_AUTH_KEY', 'b' ); define( 'LOGGED_IN_KEY', 'c' );
define( 'NONCE_KEY', 'd' ); define( 'AUTH_SALT', 'e' ); define( 'SECURE_AUTH_SALT', 'f' );
define( 'LOGGED_IN_SALT', 'g' ); define( 'NONCE_SALT', 'h' );
$table_prefix = 'wp_';
define( 'WP_CONTENT_DIR', __DIR__ . '/wp-content' );
defined( 'ABSPATH' ) || define( 'ABSPATH', __DIR__ . '/' );
require_once ABSPATH . 'wp-settings.php';
"""

_INSTALL = """
$server = new mysqli( 'localhost', 'root', '', '', 0, '%(socket)s' );
$server->query( 'CREATE DATABASE wordpress' );
define( 'WP_INSTALLING', true );
require '%(root)s/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install( 'The practice', '%(admin)s', 'paul@example.org', true, '', '%(password)s' );
update_option( 'template', 'plain' );
update_option( 'stylesheet', 'plain' );
"""

_THEME = """<!doctype html><html <?php language_attributes(); ?>><head><?php wp_head(); ?></head>
<body><?php while ( have_posts() ) { the_post(); the_content(); } wp_footer(); ?></body></html>
"""

_UPLOAD = """
require ABSPATH . 'wp-admin/includes/admin.php';
require ABSPATH . 'wp-admin/includes/class-wp-upgrader.php';
$upgrader = new Plugin_Upgrader( new Automatic_Upgrader_Skin() );
$done = $upgrader->install( $told['zip'], array( 'overwrite_package' => true ) );
$failed = activate_plugin( 'nurture-signups/nurture-signups.php' );
return true === $done && null === $failed;
"""


class _StaysHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing, so that a test sees where it is sent."""


@dataclass(frozen=True)
class Page:
    """An answer of WordPress."""

    status: int
    text: str
    location: str = ""


@dataclass
class WordPress:
    """One WordPress; its methods are what visitors, Paul or time do."""

    root: Path
    url: str
    socket: Path
    jar: CookieJar = field(default_factory=CookieJar)

    # --- What visitors do ---------------------------------------------------------------------

    def get(self, path: str = "/", cookie: str = "") -> Page:
        """Read a page without having signed in."""
        return self._ended(urllib.request.Request(self.url + path, headers=_headers(cookie)))

    def post(self, fields: Mapping[str, Any], path: str = "/", **headers: str) -> Page:
        """Post a form without having signed in."""
        body = urllib.parse.urlencode(fields, doseq=True).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._ended(urllib.request.Request(self.url + path, body, given))

    def sign_up(self, email: str, page: str = "/?p=1", **fields: Any) -> Page:
        """Send the plugin's own form."""
        said = {"nurture_form": "pain-guide", "nurture_email": email, "nurture_leave": ""}
        return self.post(said | fields, Referer=self.url + page)

    def fire(self, builder: str, data: object, **more: Any) -> Page:
        """Have a form builder tell that one of its forms was sent."""
        page = f"{self.url}/?p=1&utm_source=letter"
        fired = {"fire": json.dumps({"builder": builder, "data": data})}
        return self.post(fired | more, Referer=page)

    # --- What Paul does -----------------------------------------------------------------------

    def upload(self, zip_file: Path) -> None:
        """Upload the plugin and switch it on."""
        assert self.php(_UPLOAD, zip=str(zip_file)) is True

    def sign_in(self) -> None:
        """Sign in as the administrator."""
        fields = {"log": ADMIN, "pwd": PASSWORD, "testcookie": "1"}
        body = urllib.parse.urlencode(fields).encode()
        said = {"Cookie": "wordpress_test_cookie=WP%20Cookie%20check"}
        page = self.browse(urllib.request.Request(f"{self.url}/wp-login.php", body, said))
        assert page.status == 302, page.text

    def browse(self, request: urllib.request.Request) -> Page:
        """Make a request as the administrator."""
        return _call(request, urllib.request.HTTPCookieProcessor(self.jar))

    def settings(self) -> str:
        """Return the plugin's settings page."""
        path = "/wp-admin/options-general.php?page=nurture-signups"
        return self.browse(urllib.request.Request(self.url + path)).text

    def press(self, action: str, **fields: Any) -> str:
        """Fill in a form of the settings page, press its button, and return the page after it."""
        nonce = re.search(
            rf'value="nurture_{action}">.*?name="_wpnonce" value="(\w+)"',
            self.settings(),
            re.DOTALL,
        )
        assert nonce, self.settings()
        said = {"action": f"nurture_{action}", "_wpnonce": nonce[1]} | fields
        body = urllib.parse.urlencode(said, doseq=True).encode()
        page = self.browse(urllib.request.Request(f"{self.url}/wp-admin/admin-post.php", body))
        assert page.status == 302, page.text
        return self.settings()

    # --- What time does -----------------------------------------------------------------------

    def run_cron(self) -> None:
        """Let WP-Cron run the plugin's job now, through its real file."""
        self.php("wp_clear_scheduled_hook( NURTURE_CRON );"
                 "wp_schedule_event( time() - 1, 'nurture_minute', NURTURE_CRON );"
                 "delete_transient( 'doing_cron' );")  # fmt: skip
        assert self.get("/wp-cron.php").status == 200

    def age(self, interval: str) -> None:
        """Let everything in the outbox be older, and due."""
        self.sql(
            f"UPDATE wp_nurture_outbox SET created_at = created_at - INTERVAL {interval}, "
            "next_try_at = IF(next_try_at IS NULL, NULL, UTC_TIMESTAMP(6)), "
            f"sent_at = sent_at - INTERVAL {interval}"
        )

    # --- What there is to see -----------------------------------------------------------------

    def php(self, code: str, **told: Any) -> Any:
        """Run code inside WordPress, with `$told`; return what it returns."""
        script = (
            f"require '{self.root}/wp-load.php';"
            f"$told = json_decode( getenv( 'TOLD' ), true );"
            f"$told = (function() use ($told) {{ {code} }})(); echo json_encode( $told );"
        )
        done = run_php(script, TOLD=json.dumps(told))
        return json.loads(done.splitlines()[-1])

    def sql(self, statement: str) -> Any:
        """Run a statement; return the rows of a query."""
        return self.php(
            "global $wpdb; return preg_match( '/^\\s*(SELECT|SHOW)/i', $told['sql'] ) "
            "? $wpdb->get_results( $told['sql'], ARRAY_A ) : $wpdb->query( $told['sql'] );",
            sql=statement,
        )

    def _ended(self, request: urllib.request.Request) -> Page:
        """Return the answer once the request has ended, as the plugin sends after answering.

        A request keeps its connection to the database until its very end; one is our own.
        """
        page = _call(request)
        _wait(lambda: len(self.sql("SHOW PROCESSLIST")) == 1)
        return page

    def outbox(self) -> list[dict[str, Any]]:
        """Return the outbox, in order."""
        rows: list[dict[str, Any]] = self.sql("SELECT * FROM wp_nurture_outbox ORDER BY id")
        return [row | {"payload": json.loads(row["payload"])} for row in rows]

    def take_log(self) -> str:
        """Return what PHP has complained about, and empty its log."""
        path = self.root / "php.log"
        complaints = path.read_text(errors="replace") if path.exists() else ""
        path.unlink(missing_ok=True)
        return complaints


def run_php(script: str, **environment: str) -> str:
    """Run a script with the command line's PHP; return what it printed."""
    done = subprocess.run(
        ["php", "-d", "display_errors=stderr", "-d", "error_reporting=E_ALL&~E_DEPRECATED"]
        + ["-r", script],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def wordpress(directory: Path) -> Iterator[WordPress]:
    """Install WordPress in a directory and run it during the block."""
    root, socket, port = directory / "site", directory / "db.sock", free_port()
    url = f"http://127.0.0.1:{port}"
    shutil.copytree(INSTALLED, root, symlinks=False, ignore_dangling_symlinks=True)
    names = {"socket": socket, "url": url, "root": root, "admin": ADMIN}
    (root / "wp-config.php").write_text(_CONFIG % names)
    _add_theme(root)
    (root / "wp-content/mu-plugins").mkdir()
    shutil.copy(HERE / "fire.php", root / "wp-content/mu-plugins")
    with ExitStack() as running:
        running.enter_context(_database(directory / "db", socket))
        run_php(_INSTALL % (names | {"password": PASSWORD}))
        server = ["php", "-d", "error_log=" + str(root / "php.log"), "-d", "log_errors=1"]
        # A compiled file would be used for two seconds after another has taken its place.
        server += ["-d", "opcache.enable=0"]
        server += ["-d", "display_errors=0", "-d", "error_reporting=E_ALL&~E_DEPRECATED"]
        server += ["-S", f"127.0.0.1:{port}", "-t", str(root)]
        running.enter_context(_process(server, root, PHP_CLI_SERVER_WORKERS="4"))
        site = WordPress(root, url, socket)
        _wait(lambda: site.get("/").status == 200)
        yield site


def _add_theme(root: Path) -> None:
    theme = root / "wp-content/themes/plain"
    theme.mkdir(parents=True)
    (theme / "style.css").write_text("/* Theme Name: plain */")
    (theme / "index.php").write_text(_THEME)


@contextmanager
def _database(directory: Path, socket: Path) -> Iterator[None]:
    user = ["--user=root"] if os.geteuid() == 0 else []
    own = ["--no-defaults", f"--datadir={directory}", *user]
    make = ["mariadb-install-db", *own, "--auth-root-authentication-method=normal"]
    subprocess.run([*make, "--skip-test-db"], check=True, capture_output=True)
    server = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    quick = ["--skip-networking", "--innodb-flush-log-at-trx-commit=0"]
    with _process([server, *own, f"--socket={socket}", *quick], directory):
        _wait(socket.exists)
        yield


@contextmanager
def _process(command: Sequence[str], directory: Path, **environment: str) -> Iterator[None]:
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait(PATIENCE)


def _wait(condition: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "WordPress did not start"
        time.sleep(0.1)


def _headers(cookie: str) -> dict[str, str]:
    return {"Cookie": cookie} if cookie else {}


def _call(request: urllib.request.Request, *more: urllib.request.BaseHandler) -> Page:
    opener = urllib.request.build_opener(_StaysHere, *more)
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return Page(answer.status, answer.read().decode())
    except urllib.error.HTTPError as error:
        return Page(error.code, error.read().decode(), error.headers.get("Location", ""))
    except urllib.error.URLError:
        return Page(0, "")
