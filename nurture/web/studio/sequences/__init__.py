"""Sequences in the studio: their pages, the editor, and the words for a step's timing."""
