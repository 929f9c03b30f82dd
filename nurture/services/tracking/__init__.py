"""Opens and clicks from the journal into the database, and their verdicts."""
