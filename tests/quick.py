"""Shortcuts: things made once for many tests, or more cheaply, with no visible difference."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, event
from werkzeug.routing import Rule

from nurture.services.owner import credentials

__all__ = ["build_addresses_when_asked", "quick_passwords", "share_statements"]

_first_of_its_kind: dict[str, Engine] = {}


def share_statements(engine: Engine) -> None:
    """Let an engine use what others have compiled for databases of its kind.

    SQLAlchemy keeps compiled statements per engine, and each test's installation has its own.
    """
    kind = engine.dialect.name
    if first := _first_of_its_kind.get(kind):
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
    else:
        # Only from a connection does a dialect learn what its server can do.
        event.listen(engine, "connect", lambda *_: _first_of_its_kind.setdefault(kind, engine))


def build_addresses_when_asked() -> None:
    """Let an app prepare URL building when first needed, instead of for all routes at its start.

    Werkzeug compiles two functions per route, and each test's installation has its own app.
    """
    compile_builder: Callable[[Rule, bool], Any] = Rule._compile_builder

    def compile_later(rule: Rule, append_unknown: bool = True) -> Any:
        compiled = cache(lambda: compile_builder(rule, append_unknown))
        return lambda itself, /, **values: compiled()(itself, **values)

    Rule._compile_builder = compile_later  # type: ignore[method-assign, assignment]


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hash passwords at the lowest cost, wherever this is imported.

    `tests/services/owner/test_credentials.py` tests the cost of guessing.
    """
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(credentials, "_HASHER", cheap)
    credentials._nobodys.cache_clear()
    yield
    credentials._nobodys.cache_clear()
