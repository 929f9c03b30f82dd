"""Evidence about one person, as a signed file that anyone can check without this program."""
