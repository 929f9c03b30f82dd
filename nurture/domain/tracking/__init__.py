"""Opens and clicks: whether a person or a machine made them."""
