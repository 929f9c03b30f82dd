"""Segments in the studio: their pages and the builder."""
