"""What subscribers do, and what is done for them, with one module for each action."""
