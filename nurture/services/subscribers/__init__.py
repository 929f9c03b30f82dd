"""What subscribers do, and what is done for them; one module for each deed, hence so many."""
