"""Bringing in people from lists: what is read becomes people, consents and suppressions."""
