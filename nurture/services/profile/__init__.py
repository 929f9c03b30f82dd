"""A person's page for the owner: their story and what comes next, in words."""
