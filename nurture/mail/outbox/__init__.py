"""The local outbox, for while no mail server is set."""
