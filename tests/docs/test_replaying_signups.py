"""The page on replaying signups is followed with a real server, after a real restore."""

import json
import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

from nurture.store.tables.subscribers import subscribers
from tests.docs.fenced_blocks import ROOT, blocks
from tests.installation import SIGNUP_TOKEN, Installation
from tests.installations import smtp_sink, sqlite_home
from tests.machines import backed_up, command, restored
from tests.servers.smtp import SmtpSink
from tests.web.serving import served

__all__ = ["smtp_sink", "sqlite_home"]

SHOWN = {
    block.place: block.content
    for block in blocks((ROOT / "docs/replaying-signups.md").read_text())
    if block.place
}


def replay(url: str, file: Path, since: str) -> subprocess.CompletedProcess[str]:
    """Run the script shown on the page, as a website would."""
    environment = {"NURTURE_URL": url, "NURTURE_SIGNUP_TOKEN": SIGNUP_TOKEN}
    return subprocess.run(
        [sys.executable, "-c", SHOWN["replay.py"], str(file), since],
        env={"PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def lines(home: Installation, *people: str, **later: float) -> str:
    """Return the website's record of these people: lines like the page's, except the time."""
    first, _ = map(json.loads, SHOWN["signups.jsonl"].splitlines())
    at = (home.clock.now + timedelta(**later)).isoformat()
    bodies = [
        first | {"key": name, "body": first["body"] | {"email": name, "signed_up_at": at}}
        for name in people
    ]
    return "".join(f"{json.dumps(one)}\n" for one in bodies)


def test_replayed_signups_from_the_gap_are_restored_and_held_once(
    sqlite_home: Installation, smtp_sink: SmtpSink, tmp_path: Path
) -> None:
    home, kept = sqlite_home, tmp_path / "signups.jsonl"
    begun, folder = home.clock.now, tmp_path / "backups"
    folder.mkdir()
    kept.write_text(lines(home, "ann@example.org"))
    with served(home) as url:
        assert replay(url, kept, begun.isoformat()).stdout == "202: 1\n"
    home.deliver()
    file, words = backed_up(home, folder)
    gone = lines(home, "ben@example.org", "cem@example.org", "dan@example.org", hours=1)
    kept.write_text(kept.read_text() + gone)
    home.clock.advance(timedelta(days=2))
    other, result = restored(home, file, words)
    assert result.exit_code == 0, result.output
    with served(other) as url:
        given = (url, kept, begun.isoformat())
        both = [threading.Thread(target=replay, args=given) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert command(other, "arm").exit_code == 0
        again = replay(url, kept, begun.isoformat())
        assert (again.stdout, again.stderr) == ("202: 4\n", "")
    assert {row["address"] for row in other.rows(subscribers)} == {
        f"{name}@example.org" for name in ("ann", "ben", "cem", "dan")
    }
    held = json.loads(command(other, "held", "list", "--json").stdout)
    back = {one["email"] for one in held if one["brought_back"]}
    assert back == {f"{name}@example.org" for name in ("ben", "cem", "dan")}
    before = len(smtp_sink.mails)
    assert other.deliver() == 0
    command(other, "held", "release", "ben@example.org")
    command(other, "held", "drop", "--all")
    assert other.deliver() == 1
    assert smtp_sink.mails[before].recipients == ("ben@example.org",)
    other.close()


def test_a_reused_key_with_another_body_belongs_to_a_known_person(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    kept = tmp_path / "signups.jsonl"
    with served(sqlite_home) as url:
        for hours in (-1, -2):
            kept.write_text(lines(sqlite_home, "ann@example.org", hours=hours))
            said = replay(url, kept, "2020-01-01T00:00:00Z").stdout
    assert said == "409: 1\n"


def test_the_lines_shown_in_the_document_are_accepted(
    sqlite_home: Installation, tmp_path: Path
) -> None:
    kept = tmp_path / "signups.jsonl"
    kept.write_text(SHOWN["signups.jsonl"])
    sqlite_home.clock.set(sqlite_home.clock.now.replace(year=2026, month=12, day=1))
    with served(sqlite_home) as url:
        assert replay(url, kept, "2026-11-30T00:00:00Z").stdout == "202: 2\n"
