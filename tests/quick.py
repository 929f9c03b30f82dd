"""What is made once for many tests, or at less cost, and changes nothing that they see."""

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

    SQLAlchemy keeps compiled statements with an engine, and each test's house has its own.
    """
    kind = engine.dialect.name
    if first := _first_of_its_kind.get(kind):
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
    else:
        # Only from a connection does a dialect learn what its server can do.
        event.listen(engine, "connect", lambda *_: _first_of_its_kind.setdefault(kind, engine))


def build_addresses_when_asked() -> None:
    """Let an app learn how to build an address when it builds one, not for all when it starts.

    Werkzeug compiles two functions a route, and each test's house has an app of its own.
    """
    compile_builder: Callable[[Rule, bool], Any] = Rule._compile_builder

    def compile_later(rule: Rule, append_unknown: bool = True) -> Any:
        compiled = cache(lambda: compile_builder(rule, append_unknown))
        return lambda itself, /, **values: compiled()(itself, **values)

    Rule._compile_builder = compile_later  # type: ignore[method-assign, assignment]


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Passwords are hashed at the least cost, wherever this is imported.

    What a guess costs is the subject of `tests/services/owner/test_credentials.py`.
    """
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("nurture.services.owner.credentials._HASHER", cheap)
    credentials._nobodys.cache_clear()
    yield
    credentials._nobodys.cache_clear()
