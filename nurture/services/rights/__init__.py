"""The right to write: what is told of it to people and to the owner."""
