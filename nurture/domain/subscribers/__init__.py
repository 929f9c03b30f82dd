"""People who may be written to: consent, suppression, addresses, names and signups."""
