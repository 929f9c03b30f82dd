"""The local outbox, used while no mail server is configured."""
