"""A person's page for the owner: their story, what comes next, and the words for it."""
