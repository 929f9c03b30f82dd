"""The pages of the web side: those of subscribers, and the studio."""
