"""From what was written, in files or in the studio, to immutable revisions."""
