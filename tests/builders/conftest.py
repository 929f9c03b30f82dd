"""Fixtures: an installation for every test of a whole call."""

from tests.installations import home, smtp_sink, sqlite_home
from tests.quick import quick_passwords

__all__ = ["home", "quick_passwords", "smtp_sink", "sqlite_home"]
