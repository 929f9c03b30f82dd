"""Fixtures for running programs."""

from tests.installations import home, smtp_sink, sqlite_home

__all__ = ["home", "smtp_sink", "sqlite_home"]
