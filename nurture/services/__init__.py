"""The use cases: they do what the domain decides, in short transactions."""
