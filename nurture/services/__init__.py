"""The use cases: they carry out what the domain decides, in short transactions."""
