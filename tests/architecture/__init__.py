"""The rules of the code base, checked automatically so that nobody has to remember them."""
