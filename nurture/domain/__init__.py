"""The decision logic: pure functions over plain values.

Nothing here uses a clock, a database, the network or random numbers, so the same code serves
production, the property tests and the simulation.
"""
