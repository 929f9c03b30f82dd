"""The supervised tree, for real."""
