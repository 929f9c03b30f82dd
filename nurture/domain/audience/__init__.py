"""Segments: conditions on what is known about people, and how engaged people are."""
