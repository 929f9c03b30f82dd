"""Files of this machine: settings, secrets, the room on the disk, and what is remembered."""
