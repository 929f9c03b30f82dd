"""Opens and clicks: who did it, a person or a machine."""
