"""Calls from mail providers, calendars and forms."""
