"""Sending by SMTP over several connections driven together."""
