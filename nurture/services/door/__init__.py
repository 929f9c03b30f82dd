"""What comes from websites: forms as they are sent, the keys of sites, and signups that wait."""
