"""What happens to emails when processes, servers and machines fail."""
