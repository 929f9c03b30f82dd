"""Email on its way out, and what mail providers tell of it."""
