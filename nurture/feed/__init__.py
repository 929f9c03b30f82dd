"""The practice's blog: its feed is fetched within limits, and read as posts in plain text."""
