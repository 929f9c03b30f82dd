"""One module for each table, with the statements that touch only it: hence so many."""
