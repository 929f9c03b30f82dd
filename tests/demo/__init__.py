"""The demonstration, really played."""
