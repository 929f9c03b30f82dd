"""Backup files: what they are encrypted with, and how much is written and read at a time."""
