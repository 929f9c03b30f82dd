"""The demonstration: two months in the lives of five people, really played, in under a minute."""
