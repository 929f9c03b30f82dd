"""Segments: conditions on what is known of people, and how engaged they are."""
