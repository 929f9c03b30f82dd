"""The supervised process tree, with real processes."""
