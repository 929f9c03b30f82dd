"""The owner: signing in, security, the practice, and the list for the first start."""
