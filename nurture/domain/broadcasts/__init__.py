"""Broadcasts: one email, once, to everyone in some segments who may be sent it."""
