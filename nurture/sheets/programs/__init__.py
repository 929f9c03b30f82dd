"""The programs whose exports are known: one module for each program, and the words of the rest."""
