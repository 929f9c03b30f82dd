"""Moving opens and clicks from the journal to the database, and judging them."""
