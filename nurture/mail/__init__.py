"""Sending email, and reading the events that mail providers report about it."""
