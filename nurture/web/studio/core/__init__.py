"""What all of the studio's pages share: sign-in, errors, notices and formats."""
