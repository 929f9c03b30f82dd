"""Backup files: their encryption, and how much of them is written and read at a time."""
