"""What mail providers, calendars and forms tell us."""
