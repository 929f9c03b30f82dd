"""Redis: the embedded server, the address of one, and what is wrong with it."""
