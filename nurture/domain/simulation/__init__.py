"""A life played forward on a virtual clock."""
