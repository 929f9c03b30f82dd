"""People who are taken elsewhere with everything about them, and who come back."""
