"""Every test here may have a house of its own."""

from tests.installations import home, smtp_sink, sqlite_home

__all__ = ["home", "smtp_sink", "sqlite_home"]
