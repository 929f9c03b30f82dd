"""The decisions: pure functions over plain values.

Nothing in here knows a clock, a database, a network or a random number, so that
the same code serves the real thing, the tests' properties and the simulation.
"""
