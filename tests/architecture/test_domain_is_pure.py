"""The domain works on plain values only, and a single module reads the clock."""

import ast
import sys

import pytest

from tests.architecture.clock_reading import clock_readings
from tests.architecture.codebase import Module, belongs_to, modules, offences

# fmt: off
IMPURE_MODULES = frozenset({
    "asyncio", "concurrent", "contextvars", "ctypes", "ftplib", "getpass", "glob", "http",
    "imaplib", "io", "logging", "mmap", "multiprocessing", "os", "pathlib", "pickle",
    "platform", "poplib", "queue", "random", "sched", "secrets", "select", "selectors",
    "shelve", "shutil", "signal", "smtplib", "socket", "socketserver", "sqlite3", "ssl",
    "subprocess", "sys", "tempfile", "threading", "time", "urllib.request",
})
IMPURE_BUILTINS = frozenset({
    "open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__",
})
# fmt: on
ALLOWED_TO_READ_THE_CLOCK = "nurture.clock"

DOMAIN = modules("nurture.domain")


def impurities(module: Module) -> list[str]:
    """Return what a module of the domain imports or calls although it must not."""
    imported = {full for _, full in module.imports}
    names = {node.id for node in ast.walk(module.tree) if isinstance(node, ast.Name)}
    return sorted({full for full in imported if not _is_plain(full)} | (names & IMPURE_BUILTINS))


def _is_plain(full: str) -> bool:
    if belongs_to(full, "nurture.domain"):
        return True
    if any(belongs_to(full, impure) for impure in IMPURE_MODULES):
        return False
    return full.partition(".")[0] in sys.stdlib_module_names


def test_the_domain_package_is_found() -> None:
    assert {"nurture.domain.errors", "nurture.domain.messages.status"} <= {m.name for m in DOMAIN}


def test_the_domain_imports_only_pure_modules() -> None:
    assert offences(impurities, DOMAIN) == []


def test_only_the_clock_module_reads_the_clock() -> None:
    others = [module for module in modules() if module.name != ALLOWED_TO_READ_THE_CLOCK]
    assert offences(clock_readings, others) == [], "take `now` as an argument instead"


@pytest.mark.parametrize(
    "source",
    [
        "import random",
        "import os.path",
        "from pathlib import Path",
        "import urllib.request",
        "from nurture.store import session",
        "from ..store import session",
        "from nurture import clock",
        "import sqlalchemy",
        "def load(path): return open(path)",
        "def later():\n    from time import sleep",
    ],
)
def test_an_impure_domain_is_detected(source: str) -> None:
    assert impurities(Module("nurture.domain.example", source)) != []


@pytest.mark.parametrize(
    "source",
    [
        "import datetime as dt\nfrom zoneinfo import ZoneInfo",
        "from nurture.domain.errors import NurtureError",
        "from .errors import NurtureError",
        "from urllib.parse import urlsplit",
    ],
)
def test_a_pure_domain_is_accepted(source: str) -> None:
    assert impurities(Module("nurture.domain.example", source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import datetime\ndatetime.datetime.now()",
        "import datetime as dt\ndt.datetime.now(dt.UTC)",
        "from datetime import datetime\ndatetime.utcnow()",
        "from datetime import datetime as moment\nmoment.now()",
        "from datetime import date\ndate.today()",
        "from datetime import datetime\nstamp = datetime.now",
        "from datetime import datetime\nclass A: default = datetime.now",
        "import datetime as dt\nD = dt.datetime\nE = D\nE.today()",
        "from datetime import datetime\ngetattr(datetime, 'now')()",
        "import time\ntime.time()",
        "import time as t\nt.time_ns()",
        "from time import time as seconds",
        "def f():\n    from time import time\n    return time()",
        "from email.utils import make_msgid",
        "import email.utils\nemail.utils.formatdate()",
        "from sqlalchemy import func\nfunc.now()",
        "import sqlalchemy as sa\nsa.func.current_timestamp()",
    ],
)
def test_reading_the_clock_is_detected_under_any_name(source: str) -> None:
    assert clock_readings(Module("nurture.services.example", source)) != []


@pytest.mark.parametrize(
    "source",
    [
        "from nurture import clock\nclock.now()",
        "import time\ntime.monotonic()",
        "def due(now): return now.date()",
        "from datetime import datetime\ndatetime.fromisoformat('2026-01-01')",
        "from email.utils import format_datetime",
    ],
)
def test_other_uses_of_time_are_accepted(source: str) -> None:
    assert clock_readings(Module("nurture.services.example", source)) == []
