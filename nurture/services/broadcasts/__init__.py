"""Broadcasts: drafting one email for segments, reviewing it, sending it, and undoing that."""
