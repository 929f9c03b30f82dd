"""What a sequence would do, and how a change would affect the people in it."""
