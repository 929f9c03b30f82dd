"""Lists of people from elsewhere, and this program's own export: brought in and taken back."""
