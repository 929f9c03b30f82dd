"""Fixtures for programs that run."""

from tests.homes import sqlite_home

__all__ = ["sqlite_home"]
