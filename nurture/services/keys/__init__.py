"""The keys of this installation: whether they belong to the database, and how to change them."""
