"""One module for each table (hence their number), with the statements that touch only it."""
