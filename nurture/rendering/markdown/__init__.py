"""Emails in Markdown."""
