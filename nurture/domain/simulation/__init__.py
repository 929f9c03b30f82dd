"""A person's life, simulated on a virtual clock."""
