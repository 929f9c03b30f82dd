"""Files of this machine: settings, secrets, disk space, and what is remembered."""
