"""The mail account: its limits, and its hold after a refusal."""
