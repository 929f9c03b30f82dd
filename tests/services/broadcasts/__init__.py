"""Broadcasts: drafting, sending and taking back, in a whole installation."""
