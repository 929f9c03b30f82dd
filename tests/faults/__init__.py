"""What becomes of mails when processes, servers and machines fail."""
