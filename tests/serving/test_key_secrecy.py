"""The key of a website is in addresses, and yet in no log and in no file that can be read."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

from tests.leftovers import files_telling_of
from tests.presence import at_least_one
from tests.serving.running import Running, environment, running

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
WRONG = "a-key-that-nobody-has-made"


def new_site(directory: Path) -> dict[str, str]:
    """Return the key and the secret of a new website, as the command prints them."""
    made = subprocess.run(
        [sys.executable, "-m", "nurture", "site-key", "add", "The shop", "--json"],
        env=environment(directory),
        check=True,
        capture_output=True,
        text=True,
    )
    site: dict[str, str] = json.loads(made.stdout)
    return site


def call_in_every_way(program: Running, key: str) -> list[int]:
    """Call with a key as browsers and builders do, rightly and wrongly; return the statuses."""
    person = urlencode({"email": "ann@example.org", "first_name": "Ann"}).encode()
    path = f"/webhooks/signup/pain-guide/{key}"
    broken = {"webhook-signature": "v1,AAAA", "webhook-id": "1", "webhook-timestamp": "1"}
    calls = [
        (path, person, FORM),
        (path, b"{", JSON),
        (path, b'{"q": "a@example.org", "r": "b@example.org"}', JSON),
        (path, person, FORM | broken),
        (path, person, FORM | {"Content-Type": "text/csv"}),
        (f"/webhooks/signup/made-up/{key}", person, FORM),
        (f"{path}/more", person, FORM),
    ]
    posted = [program.post(*call)[0] for call in calls]
    read = [program.get(where)[0] for where in (path, f"/connect/{key}", f"/connect/{key}?form=x")]
    return posted + read


def test_a_key_is_in_no_output_and_in_no_file(tmp_path: Path) -> None:
    directory = tmp_path / "var"
    directory.mkdir()
    with running(directory, None) as program:
        site = new_site(directory)
        right = call_in_every_way(program, site["key"])
        wrong = call_in_every_way(program, WRONG)
        program.post(f"/studio/settings/sites/1/key?next={site['key']}", b"", FORM)
        assert right == [202, 400, 202, 401, 415, 404, 404, 405, 200, 200]
        assert set(wrong) <= {404, 405}
    said = program.said + (program.process.stdout.read() if program.process.stdout else "")
    for secret in at_least_one([site["key"], site["secret"], WRONG]):
        assert secret not in said
        assert files_telling_of(directory, secret) == []
