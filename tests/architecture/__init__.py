"""The rules of the house, held by machines so that nobody has to remember them."""
