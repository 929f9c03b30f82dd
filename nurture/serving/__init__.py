"""`nurture serve`: the whole program as one supervised tree of processes."""
