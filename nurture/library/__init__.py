"""What is written under templates/emails/: read into plain values, and written back."""
