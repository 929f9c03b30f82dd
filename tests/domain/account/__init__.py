"""The mail account's rules."""
