"""Backups, the journal of withdrawals, restoring, and what is held after a restore."""
