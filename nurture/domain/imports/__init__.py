"""What each row of a list from elsewhere is worth in law, decided from the row and the owner's word."""
