"""The demonstration, played for real."""
