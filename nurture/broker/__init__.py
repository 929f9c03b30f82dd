"""Redis: the embedded server, the URL of an external one, and diagnosing its problems."""
