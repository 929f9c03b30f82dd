"""Publishing: turning written files, or edits in the studio, into immutable revisions."""
