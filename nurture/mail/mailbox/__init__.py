"""The owner's mailbox: its address, reading it, and what each mail in it says about ours."""
