"""What is wrong, or unwise, about an email before it goes."""
