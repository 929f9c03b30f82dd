"""People who are taken elsewhere with all about them, who come back, or who come with a list."""
