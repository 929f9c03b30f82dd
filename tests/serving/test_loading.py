"""What the programs of the tree need is loaded before they fork."""

import sys
from collections import Counter
from pathlib import Path

from nurture.store.database import Database
from tests.servers.smtp import SmtpSink
from tests.serving.running import running, wait_until

#: `nurture serve`, writing down which process imports what after the web side's part was loaded.
_TELLING = """
import os, sys
from nurture.serving import loading
from nurture.serving.serve import serve
from nurture.settings import load_settings

def load_and_tell():
    loading.load_for_web()
    late = os.open("late", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    note = lambda name: os.write(late, f"{os.getpid()} {name}\\n".encode())
    sys.addaudithook(lambda event, found: event == "import" and note(found[0]))

sys.modules["nurture.serving.serve"].load_for_web = load_and_tell
sys.exit(serve(load_settings()))
"""

_PAGES = ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/preferences/nobodys")


def test_every_shared_module_is_imported_before_forking(
    tmp_path: Path, smtp_sink: SmtpSink, database: Database
) -> None:
    where = {"NURTURE_DATABASE_URL": database.url}
    with running(tmp_path, smtp_sink, ["-c", _TELLING], **where) as program:
        assert program.sign_up("ann@example.org") == 202
        assert wait_until(lambda: smtp_sink.mails_to("ann@example.org"))
        for path in _PAGES:
            program.get(path)
    imported = {*(tmp_path / "late").read_text().splitlines()}
    late = Counter(line.partition(" ")[2] for line in imported)
    shared = {name for name, processes in late.items() if processes > 1 or _is_ours(name)}
    assert {
        name for name in shared if name.partition(".")[0] not in sys.stdlib_module_names
    } == set()


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in ("nurture", "tasks", "webhooks", "celeryconfig")
