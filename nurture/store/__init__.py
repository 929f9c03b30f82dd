"""Everything that is stored: the only package that uses SQL.

One module per noun contains a table together with its queries. Queries use an open connection;
`nurture.store.database` opens and closes the transactions around them.
"""
