"""What all studio pages share: sign-in, errors, notices and formats."""
