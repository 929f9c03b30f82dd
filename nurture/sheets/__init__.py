"""Lists of people from other programs: files, archives, workbooks and cards turned into rows."""
