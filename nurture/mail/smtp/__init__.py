"""Sending by SMTP over several connections at a time."""
