"""Fixtures for programs that run."""

from tests.homes import smtp_sink, sqlite_home

__all__ = ["smtp_sink", "sqlite_home"]
