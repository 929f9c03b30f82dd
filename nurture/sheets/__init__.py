"""Lists of people from other programs, turned into rows.

There is a module for each kind of file and for each thing that is found out about one: its
encoding, its header, what its columns mean.
"""
