"""One email to one subscriber: its text, its status, and what a refusal of it means."""
