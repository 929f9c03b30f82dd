"""The owner's mailbox: its address, reading it, and what the mails in it say about ours."""
