"""What comes from websites and needs the owner: signups that wait."""
