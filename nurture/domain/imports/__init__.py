"""What each row of a list from elsewhere is worth in law: pure decisions about plain values."""
