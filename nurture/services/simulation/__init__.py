"""What a sequence would do, and what a change to it would do to people under way."""
