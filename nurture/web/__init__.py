"""The pages of the web side: those for subscribers, and the studio."""
