"""The demonstration: two months of five people's lives, for real, in under a minute."""
