"""The right to write: on which basis, to people in which state, may which email be sent."""
