"""Bringing a list in: the upload, what it amounts to, the imports, and a poster for the rest."""
