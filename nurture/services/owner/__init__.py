"""The owner: signing in, account security, the practice, and the first-start checklist."""
