"""Fixtures: an installation for every test."""

from tests.installations import home, smtp_sink, sqlite_home

__all__ = ["home", "smtp_sink", "sqlite_home"]
