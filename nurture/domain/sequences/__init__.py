"""Sequences, and how far people have got in them."""
