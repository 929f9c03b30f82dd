"""Broadcasts as values."""
