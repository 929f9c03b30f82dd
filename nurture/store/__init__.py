"""Everything that is kept: the only place that speaks SQL.

A module per noun holds a table and its queries side by side. Queries take an open
connection; `nurture.store.database` opens and closes the transactions around them.
"""
