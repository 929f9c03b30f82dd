"""What comes through the website's door: which signups wait, and which field means what."""
