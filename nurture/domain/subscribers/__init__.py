"""People who may be emailed: consent, suppression, addresses, names and signups."""
